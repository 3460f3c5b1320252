import { spawn } from 'node:child_process'
import cluster from 'node:cluster'
import { createHash, randomUUID } from 'node:crypto'
import { existsSync, globSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { describeError } from '../../gateway/http/describeError.ts'
import { childEnvironment } from '../../schema/kit/childEnvironment.ts'
import { packagePath } from '../config/packagePath.ts'

/** Where the gateway reads the pages of the console. */
export const consoleFolder = packagePath('console/dist')
/** Names the sources of a build. A build without it is not whole. */
const sourceFile = 'source.txt'
const buildMsMax = 120_000

/**
 * Builds the console by Vite, unless its pages are of the present sources. Returns the seconds of
 * the build, or null if none was needed. Throws with the output of Vite. The build is a process of
 * its own, whose memory is free afterwards, and replaces the pages at once: of several builds at
 * the same time the last one stays.
 */
export async function buildConsole(signal?: AbortSignal): Promise<number | null> {
  const hash = sourceHash()
  const file = join(consoleFolder, sourceFile)
  if (existsSync(file) && readFileSync(file, 'utf8') === hash) return null
  const began = performance.now()
  const next = `${consoleFolder}.${randomUUID()}`
  try {
    await runVite(next, signal)
    writeFileSync(join(next, sourceFile), hash)
    const last = `${next}.last`
    if (existsSync(consoleFolder)) renameSync(consoleFolder, last)
    renameSync(next, consoleFolder)
    rmSync(last, { recursive: true, force: true })
  } finally {
    rmSync(next, { recursive: true, force: true })
  }
  return (performance.now() - began) / 1_000
}

/**
 * Builds the console beside a gateway that starts, without a wait for it: "npm ci" built it already,
 * unless it ran without scripts or the sources are others now. Returns a function that ends a build.
 */
export function startConsoleBuild(log: Logger): () => void {
  const stop = new AbortController()
  // Of several gateway processes one builds.
  if (cluster.worker !== undefined && cluster.worker.id > 1) return () => {}
  buildConsole(stop.signal).then(
    (seconds) => seconds !== null && log.info({ seconds }, 'the console was built'),
    (err) => {
      if (!stop.signal.aborted)
        log.warn({ err: describeError(err) }, 'the console could not be built, and is not served')
    },
  )
  return () => stop.abort()
}

/** Returns a hash of everything that the pages are made of: the sources, and versions of packages. */
function sourceHash(): string {
  const root = packagePath('console')
  const hash = createHash('sha256')
  const sources = globSync('**/*.{ts,tsx,css,html,svg,woff2}', {
    cwd: root,
    exclude: (name) => name.startsWith('dist'),
  })
  for (const name of sources.sort())
    hash
      .update(`${name}\0`)
      .update(readFileSync(join(root, name)))
      .update('\0')
  return hash.update(readFileSync(packagePath('package-lock.json'))).digest('hex')
}

function runVite(outDir: string, signal: AbortSignal | undefined): Promise<void> {
  const vite = packagePath('node_modules/vite/bin/vite.js')
  const args = [vite, 'build', packagePath('console'), '--outDir', outDir, '--logLevel', 'warn']
  const child = spawn(process.execPath, args, {
    cwd: packagePath('.'),
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: buildMsMax,
    signal,
    env: childEnvironment([], { NODE_ENV: 'production' }),
  })
  const output: Buffer[] = []
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => output.push(chunk))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      if (code === 0) return resolve()
      const text = Buffer.concat(output).toString('utf8').trim()
      reject(
        new Error(`the console could not be built (${signal ?? `exit code ${code}`})\n${text}`),
      )
    })
  })
}
