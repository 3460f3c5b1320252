import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { childEnvironment } from '../../../schema/kit/childEnvironment.ts'

/**
 * An earlier state of the contract: the graph, and the published schemas of events by file name.
 */
export interface SchemaReference {
  supergraph: string
  events: Map<string, string>
  /** Mappings of source systems, by path; empty if the reference is a single file. */
  mappings: Map<string, string>
}

const SUPERGRAPH = 'supergraph.graphql'
const PUBLISHED = 'schema/published'
const bytesMax = 50_000_000

/**
 * Reads an earlier state of the schemas. `ref` names a file with a supergraph, or a folder with
 * supergraph.graphql and *.schema.json (also in schema/published). It may also be a commit, branch
 * or tag of the git repository of `root`. Throws with the reason if it cannot be read.
 */
export function readReference(ref: string, root: string): SchemaReference {
  if (!existsSync(ref)) return fromGit(ref, root)
  if (!statSync(ref).isDirectory())
    return { supergraph: readFileSync(ref, 'utf8'), events: new Map(), mappings: new Map() }
  const supergraph = join(ref, SUPERGRAPH)
  if (!existsSync(supergraph)) throw new Error(`${ref} has no ${SUPERGRAPH}`)
  return {
    supergraph: readFileSync(supergraph, 'utf8'),
    events: publishedEvents(ref),
    mappings: mappingFiles(ref),
  }
}

/** Returns the published schemas of events below a folder. */
export function publishedEvents(dir: string): Map<string, string> {
  const folder = existsSync(join(dir, PUBLISHED)) ? join(dir, PUBLISHED) : dir
  const files = readdirSync(folder).filter(isEventSchema)
  return new Map(files.sort().map((file) => [file, readFileSync(join(folder, file), 'utf8')]))
}

/** Returns the mappings below a folder: those of the kinds, and this installation's overlays. */
export function mappingFiles(dir: string): Map<string, string> {
  const files = ['connectors', 'config'].flatMap((folder) =>
    existsSync(join(dir, folder))
      ? readdirSync(join(dir, folder), { recursive: true, encoding: 'utf8' }).map(
          (f) => `${folder}/${f.replaceAll('\\', '/')}`,
        )
      : [],
  )
  return new Map(
    files
      .filter(isMapping)
      .sort()
      .map((file) => [file, readFileSync(join(dir, file), 'utf8')]),
  )
}

function isMapping(file: string): boolean {
  return /^(connectors\/[a-z0-9-]+\/mapping\.yaml|config\/[^/]+\.(mapping|overlay)\.yaml)$/.test(
    file,
  )
}

function isEventSchema(file: string): boolean {
  return file.endsWith('.schema.json')
}

function fromGit(ref: string, root: string): SchemaReference {
  const git = (...args: string[]): string =>
    execFileSync('git', args, {
      cwd: root,
      // HOME: git reads there whose repositories it may trust.
      env: childEnvironment(['PATH', 'HOME', 'XDG_CONFIG_HOME', 'GIT_CONFIG_GLOBAL', 'LANG']),
      encoding: 'utf8',
      maxBuffer: bytesMax,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  const attempt = (why: string, ...args: string[]): string => {
    try {
      return git(...args)
    } catch (e) {
      throw new Error(why, { cause: e })
    }
  }
  // The commit's own hash from here on, so that a name with a leading dash cannot act as an option.
  const commit = attempt(
    `"${ref}" is no file, no folder, and no commit, branch or tag of the git repository at ${root}`,
    'rev-parse',
    '--verify',
    '--quiet',
    '--end-of-options',
    `${ref}^{commit}`,
  ).trim()
  const supergraph = attempt(`${ref} has no ${SUPERGRAPH}`, 'show', `${commit}:./${SUPERGRAPH}`)
  const files = git('ls-tree', '--name-only', commit, `./${PUBLISHED}/`)
    .split('\n')
    .filter(isEventSchema)
  const mapped = git('ls-tree', '-r', '--name-only', commit, './connectors/', './config/')
    .split('\n')
    .filter(isMapping)
  return {
    supergraph,
    mappings: new Map(mapped.map((file) => [file, git('show', `${commit}:./${file}`)])),
    events: new Map(
      files.map((file) => [
        basename(file),
        git('show', `${commit}:./${PUBLISHED}/${basename(file)}`),
      ]),
    ),
  }
}
