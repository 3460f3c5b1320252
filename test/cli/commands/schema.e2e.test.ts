import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { readReference } from '../../../cli/commands/input/schemaReference.ts'
import { packagePath } from '../../../cli/config/packagePath.ts'
import { publicSchema } from '../../../gateway/federation/publicSchema.ts'
import { elementsOf, undatedDeprecations } from '../../../schema/graphChanges.ts'

const supergraph = readFileSync(packagePath('supergraph.graphql'), 'utf8')
let dir = ''
before(() => {
  dir = mkdtempSync(join(tmpdir(), 'touchstone-schema-'))
})
after(() => rmSync(dir, { recursive: true, force: true }))

function check(...args: string[]): { code: number | null; text: string } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [packagePath('cli/main.ts'), 'schema', 'check', ...args],
    {
      encoding: 'utf8',
    },
  )
  return { code: status, text: stdout + stderr }
}

test('every deprecation of the graph carries a date', () => {
  const schema = publicSchema(supergraph)
  assert.ok(elementsOf(schema).size > 500)
  assert.deepEqual(undatedDeprecations(schema), [])
})

test('schema check names the breaking changes against a folder and exits with 1; against the current schema it finds none', () => {
  const same = join(dir, 'same')
  cpSync(packagePath('schema/published'), join(same, 'schema/published'), { recursive: true })
  writeFileSync(join(same, 'supergraph.graphql'), supergraph)
  assert.deepEqual(check('--against', same), {
    code: 0,
    text: `against ${same}: 0 breaking, 0 dangerous, 0 safe\n`,
  })

  const earlier = join(dir, 'earlier')
  mkdirSync(earlier)
  const [before, after] = supergraph.split('type PageInfo ')
  writeFileSync(
    join(earlier, 'supergraph.graphql'),
    `${before}type PageInfo ${after?.replace('{', '{\n  pages: Int\n')}`,
  )
  writeFileSync(
    join(earlier, 'change-1.0.schema.json'),
    '{"type":"object","properties":{"colour":{"type":"string"}}}',
  )
  const operation = join(dir, 'pages.graphql')
  writeFileSync(operation, 'query Pages { customers { pageInfo { pages } } }')
  const broken = check('--against', earlier, '--json', '--operations', operation)
  assert.equal(broken.code, 1)
  const report = JSON.parse(broken.text) as {
    changes: { level: string; coordinate: string; text: string }[]
    brokenOperations: { names: string[]; reasons: string[] }[]
  }
  assert.deepEqual(
    report.changes.filter(
      (c) => c.level === 'BREAKING' && /pages|colour|change-1/.test(c.coordinate),
    ),
    [
      { level: 'BREAKING', coordinate: '$.colour', text: 'was removed' },
      { level: 'BREAKING', coordinate: 'PageInfo.pages', text: 'was removed' },
      {
        level: 'BREAKING',
        coordinate: 'schema/published/change-1.0.schema.json',
        text: 'has changed, but it was published: add a new version instead',
      },
    ],
  )
  assert.deepEqual(report.brokenOperations[0]?.names, ['Pages'])
  assert.match(
    report.brokenOperations[0]?.reasons[0] ?? '',
    /Cannot query field "pages" on type "PageInfo"/,
  )
})

test('a reference is a file, a folder or a commit of the repository, even from a subfolder', () => {
  const project = join(dir, 'repository', 'project')
  for (const folder of ['schema/published', 'connectors/shop', 'config'])
    mkdirSync(join(project, folder), { recursive: true })
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t.example', ...args], {
      cwd: project,
      stdio: 'pipe',
    })
  git('init', '-q', '-b', 'trunk', '..')
  const write = (text: string) => {
    writeFileSync(join(project, 'supergraph.graphql'), text)
    writeFileSync(join(project, 'schema/published/change-1.0.schema.json'), `"${text}"`)
    writeFileSync(join(project, 'connectors/shop/mapping.yaml'), text)
    writeFileSync(join(project, 'config/own.overlay.yaml'), text)
    writeFileSync(join(project, 'config/access.yaml'), text)
    git('add', '-A')
    git('commit', '-q', '-m', text)
  }
  write('one')
  git('tag', 'v1')
  write('two')
  const of = (text: string) => ({
    supergraph: text,
    events: new Map([['change-1.0.schema.json', `"${text}"`]]),
    mappings: new Map([
      ['config/own.overlay.yaml', text],
      ['connectors/shop/mapping.yaml', text],
    ]),
  })
  assert.deepEqual(readReference('v1', project), of('one'))
  assert.deepEqual(readReference('trunk', project), of('two'))
  assert.deepEqual(readReference(project, '/'), of('two'))
  assert.deepEqual(readReference(join(project, 'supergraph.graphql'), '/'), {
    supergraph: 'two',
    events: new Map(),
    mappings: new Map(),
  })
  assert.throws(
    () => readReference('nowhere', project),
    /"nowhere" is no file, no folder, and no commit/,
  )
  assert.throws(() => readReference('--help', project), /no commit, branch or tag/)
})
