import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { eventually } from '../e2e/eventually.ts'
import { skip } from './chromium.ts'
import { audit, type ConsoleServer, consoleServer } from './consolePage.ts'

const views = [{}, { dark: true }, { width: 320, height: 700 }]

/** One server for both screens: a start takes longer than the tests of a screen. */
describe('the console: golden record and search', { skip }, () => {
  let server: ConsoleServer
  /** A customer with several source records. */
  let customer: { id: string; name: string; version: number }
  before(async () => {
    server = await consoleServer()
    customer = await widest('Customer')
  })
  after(() => server?.close())

  async function widest(type: string) {
    const [row] = await server.sql<{ id: string; name: string; version: number }[]>`
      select g.id, g.values->>'name' as name, g.version from golden g
      where g.type = ${type} and g.state = 'ACTIVE'
      order by (select count(*) from source_record s where s.golden_id = g.id) desc, g.id limit 1`
    assert.ok(row, `there is a ${type}`)
    return row
  }

  test('it shows the values, winners, rules and losing values of the graph', async () => {
    const { page, errors, context } = await server.open(`/record/${customer.id}`)
    await page.getByRole('heading', { level: 1, name: customer.name }).waitFor()
    const { node } = await server.graph(
      `query($id: ID!) { node(id: $id) { ... on Customer { provenance { field rule value
         sourceRecords(first: 1) { nodes { sourceId } }
         candidates(first: 10) { nodes { value verdict } } } } } }`,
      { id: customer.id },
    )
    assert.ok(node.provenance.length > 5)
    for (const p of node.provenance) {
      const row = page.locator(`#field-${p.field}`)
      const text = await row.innerText()
      const [source] = p.sourceRecords.nodes
      if (source) assert.ok(text.includes(source.sourceId), `${p.field}: ${text}`)
      if (p.field !== 'kind' && p.field !== 'lifecycle' && typeof p.value === 'string')
        assert.ok(text.includes(p.value), `${p.field}: ${text}`)
    }
    await page.keyboard.press('j')
    await page.keyboard.press('j')
    await page.waitForSelector('#field-name[data-current]')
    assert.match(page.url(), /field=name/, 'a link to it shows the same')
    const name = node.provenance.find((p: { field: string }) => p.field === 'name')
    const cards = page.getByRole('list', { name: 'Values of source records' }).locator('li')
    await eventually(async () => (await cards.count()) === name.candidates.nodes.length)
    for (const [n, c] of name.candidates.nodes.entries())
      assert.ok((await cards.nth(n).innerText()).includes(c.value))
    assert.deepEqual(errors, [])
    await context.close()
  })

  test('a value is stated with a preview, stored, lifted, and the record follows', async () => {
    const { page, context } = await server.open(`/record/${customer.id}?field=accountOwner`, {
      actor: 'ida',
    })
    await page.waitForSelector('#field-accountOwner')
    const stored = () => server.sql<{ owner: string | null }[]>`
      select values->>'accountOwner' as owner from golden where id = ${customer.id}`
    const [before] = await stored()
    await page.keyboard.press('o')
    await page.getByLabel('Value', { exact: true }).fill('Ida Lovelace-Byron')
    await page.keyboard.press('Enter')
    const preview = page.getByRole('region', { name: 'Preview' }).filter({ hasText: 'would do' })
    await preview.getByText('Ida Lovelace-Byron').waitFor()
    assert.deepEqual([...(await stored())], [before], 'a preview changes nothing')
    await page.getByLabel('Reason').fill('She took it over')
    await page.keyboard.press('Enter')
    await page.getByText('Stated the account owner').waitFor()
    assert.deepEqual([...(await stored())], [{ owner: 'Ida Lovelace-Byron' }])
    await page.locator('#field-accountOwner').getByText('stated by a steward').waitFor()
    await page.keyboard.press('l')
    await page.getByLabel('Reason').fill('A mistake')
    await page.getByRole('button', { name: /^Lift the account owner/ }).click()
    await page.getByText('Lifted the account owner').waitFor()
    assert.deepEqual([...(await stored())], [before])
    await context.close()
  })

  test('a split is previewed, done and undone exactly', async () => {
    const { page, context } = await server.open(`/record/${customer.id}?tab=sources`)
    const members = async () =>
      (
        await server.sql<{ key: string }[]>`
          select key from source_record where golden_id = ${customer.id} order by 1`
      ).map((r) => r.key)
    const before = await members()
    const box = page.getByRole('list', { name: 'Source records' }).getByRole('checkbox').last()
    await box.check()
    await page.getByText('What it would do').waitFor()
    await page.getByText('split, 1 source record').waitFor()
    await page.getByLabel('Reason').fill('Another branch')
    await page.getByLabel('Reason').press('Enter')
    await page.getByText(/^Split 1 source record from/).waitFor()
    assert.equal((await members()).length, before.length - 1)
    await page.getByRole('button', { name: /^Undo/ }).click()
    await page.getByText('Undone', { exact: true }).waitFor()
    assert.deepEqual(await members(), before)
    await context.close()
  })

  test('two records are merged, the retired id leads to the survivor, and u undoes it', async () => {
    const pair = await server.sql<{ id: string; name: string }[]>`
      select id, values->>'name' as name from golden
      where type = 'Product' and state = 'ACTIVE' order by created_at, id limit 2`
    const [survivor, retired] = pair
    assert.ok(survivor && retired)
    const { page, context } = await server.open(`/record/${retired.id}?act=merge`)
    await page.getByLabel(/^Find it by a name/).fill(survivor.id)
    await page.getByRole('list', { name: 'Found' }).getByRole('button').first().click()
    await page.getByText('What it would do').waitFor()
    await page.getByLabel('Reason').fill('The same product')
    await page.getByLabel('Reason').press('Enter')
    await page.getByText(/^Merged 2 into/).waitFor()
    await page.getByText(`${retired.id} was merged into this record.`).waitFor()
    const [row] = await server.sql`select state, redirect from golden where id = ${retired.id}`
    assert.equal(row?.state, 'MERGED')
    await page.getByRole('button', { name: /^Undo/ }).click()
    await page.getByText('Undone', { exact: true }).waitFor()
    const [again] = await server.sql`select state from golden where id = ${retired.id}`
    assert.equal(again?.state, 'ACTIVE')
    await context.close()
  })

  test('the time slider shows the values of an earlier version, and two versions are compared', async () => {
    const { node } = await server.graph(
      `query($id: ID!) { node(id: $id) { ... on Customer { history(first: 200) { nodes { version values } } } } }`,
      { id: customer.id },
    )
    const versions = node.history.nodes
    const { goldenDiff } = await server.graph(
      'query($id: ID!, $to: Int!) { goldenDiff(id: $id, from: 1, to: $to) { field } }',
      { id: customer.id, to: versions[0].version },
    )
    const { page, context } = await server.open(`/record/${customer.id}?tab=history&from=1`)
    const diff = page.getByRole('region', { name: /^From version 1 to/ })
    await eventually(async () => (await diff.locator('tbody tr').count()) === goldenDiff.length)
    await page.getByRole('button', { name: 'Show version 1', exact: true }).click()
    await page.getByText('The record as it was').waitFor()
    assert.match(page.url(), /asOf=/)
    const first = versions.find((v: { version: number }) => v.version === 1)
    await page.getByRole('heading', { level: 1, name: first.values.name }).waitFor()
    await page.getByText('version 1,').waitFor()
    const merge = page.getByRole('button', { name: /^Merge/ })
    assert.equal(await merge.getAttribute('aria-disabled'), 'true')
    assert.match((await merge.getAttribute('title')) ?? '', /past/)
    await page.getByRole('button', { name: 'Back to now', exact: true }).click()
    await page.getByText('The record as it was').waitFor({ state: 'detached' })
    await context.close()
  })

  test('what hangs on it has the numbers of the graph', async () => {
    const { page, context } = await server.open(`/record/${customer.id}?tab=attached&list=invoices`)
    const { node } = await server.graph(
      `query($id: ID!) { node(id: $id) { ... on Customer { totals { openInvoices }
         invoices(first: 20) { totalCount nodes { number } } subscriptions { totalCount } } } }`,
      { id: customer.id },
    )
    await page.getByRole('button', { name: `invoices ${node.invoices.totalCount}` }).waitFor()
    await page
      .getByRole('button', { name: `subscriptions ${node.subscriptions.totalCount}` })
      .waitFor()
    const rows = page.getByRole('region', { name: 'invoices' }).locator('tbody tr')
    await eventually(async () => (await rows.count()) === node.invoices.nodes.length)
    for (const [n, { number }] of node.invoices.nodes.entries())
      assert.ok((await rows.nth(n).innerText()).includes(number))
    await context.close()
  })

  test('a retired record shows its tombstone, and is restored', async () => {
    const [product] = await server.sql<{ id: string }[]>`
      select id from golden where type = 'Product' and state = 'ACTIVE' order by id desc limit 1`
    const { page, context } = await server.open(`/record/${product?.id}?act=retire`)
    await page.getByLabel('Reason').fill('No longer sold')
    const retire = page.getByRole('button', { name: /^Retire it/ })
    await eventually(async () => (await retire.getAttribute('aria-disabled')) === null)
    await retire.click()
    await page.getByRole('note').getByText('The record has ended').waitFor()
    assert.deepEqual(await audit(page), [])
    const [row] = await server.sql`select state from golden where id = ${product?.id as string}`
    assert.equal(row?.state, 'DELETED')
    await page.getByRole('button', { name: /^Restore/ }).click()
    await page.getByLabel('Reason').fill('Sold again')
    const restore = page.getByRole('button', { name: /^Restore it/ })
    await eventually(async () => (await restore.getAttribute('aria-disabled')) === null)
    await restore.click()
    await page.getByRole('note').getByText('The record has ended').waitFor({ state: 'detached' })
    const [again] = await server.sql`select state from golden where id = ${product?.id as string}`
    assert.equal(again?.state, 'ACTIVE')
    await context.close()
  })

  test('without the right, fields are masked and each action says why', async () => {
    const { page, context } = await server.open(`/record/${customer.id}`, { token: 'reader' })
    await page.waitForSelector('#field-emails')
    const { node } = await server.graph(
      'query($id: ID!) { node(id: $id) { ... on Customer { emails phones } } }',
      { id: customer.id },
    )
    const text = await page.locator('main').innerText()
    for (const value of [...(node.emails ?? []), ...(node.phones ?? [])])
      assert.ok(!text.includes(value), `${value} is shown`)
    assert.match(await page.locator('#field-emails').innerText(), /masked|hidden/)
    const merge = page.getByRole('button', { name: /^Merge/ })
    assert.equal(await merge.getAttribute('aria-disabled'), 'true')
    assert.match((await merge.getAttribute('title')) ?? '', /stewardship:act/)
    await context.close()
  })

  for (const type of ['Customer', 'Contact', 'Product', 'Contract'])
    test(`every part of a ${type} is shown without a failure`, async () => {
      const [{ id } = { id: '' }] = await server.sql<{ id: string }[]>`
        select id from golden where type = ${type} and state = 'ACTIVE' order by id limit 1`
      const { page, errors, context } = await server.open(`/record/${id}`)
      for (const tab of ['1', '2', '3', '4', '5', '6']) {
        await page.waitForSelector('[aria-pressed=true]')
        await page.keyboard.press(tab)
        await page.waitForSelector(`button[aria-keyshortcuts="${tab}"][aria-pressed=true]`)
        await page.waitForSelector('[aria-label=Loading]', { state: 'detached' })
        if (type === 'Customer') assert.deepEqual(await audit(page), [], `tab ${tab}`)
        assert.equal(await page.getByRole('alert').count(), 0, `tab ${tab}`)
      }
      assert.deepEqual(errors, [])
      await context.close()
    })

  for (const view of views)
    test(`axe finds nothing in record and search: ${JSON.stringify(view)}`, async () => {
      const { page, context } = await server.open(`/record/${customer.id}`, view)
      await page.waitForSelector('#field-name')
      assert.deepEqual(await audit(page), [])
      for (const act of ['o', 'm', 'p']) {
        await page.keyboard.press(act)
        await page
          .getByRole('button', { name: /^Leave it/ })
          .or(page.getByLabel(/^Find it/))
          .waitFor()
        assert.deepEqual(await audit(page), [], act)
        await page.keyboard.press('Escape')
        await page.locator('body').click({ position: { x: 2, y: 2 } })
      }
      const wide = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
      assert.ok((await wide()) <= 0, 'the record fits the width')
      await page.goto(`${server.url}/search?text=${encodeURIComponent(customer.name)}`)
      await page.waitForSelector('[role=option]')
      assert.deepEqual(await audit(page), [])
      assert.ok((await wide()) <= 0, 'the hits fit the width')
      await page.getByRole('combobox').fill('zzzzzzzzqqq 0000')
      await page.getByText('Nothing that you may see fits').waitFor()
      assert.deepEqual(await audit(page), [])
      await context.close()
    })

  test('an unknown id says so', async () => {
    const { page, context } = await server.open(`/record/00000000-0000-4000-8000-000000000000`)
    await page.getByText('There is no such record').waitFor()
    assert.deepEqual(await audit(page), [])
    await context.close()
  })

  test('/ leads to the search, which shows the hits of the graph in their order as it is typed', async () => {
    const { page, errors, context } = await server.open(`/record/${customer.id}`)
    await page.waitForSelector('#field-name')
    await page.keyboard.press('/')
    const box = page.getByRole('combobox')
    await eventually(() => box.evaluate((e) => e === document.activeElement))
    const text = customer.name.slice(0, 6)
    await page.keyboard.type(text)
    const { search } = await server.graph(
      'query($text: String!) { search(text: $text, first: 30) { totalCount nodes { goldenId value } } }',
      { text: text.trim() },
    )
    const options = page.getByRole('option')
    await eventually(async () => (await options.count()) === search.nodes.length)
    for (const [n, { value }] of search.nodes.entries())
      if (value) assert.ok((await options.nth(n).innerText()).includes(value))
    assert.match(page.url(), /text=/)
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.waitForURL(
      `**/record/${search.nodes[Math.min(1, search.nodes.length - 1)].goldenId}*`,
    )
    assert.deepEqual(errors, [])
    await context.close()
  })

  test('a record that is typed in has the verdicts of the graph, and none is stored', async () => {
    const count = async () => (await server.sql`select count(*)::int as n from golden`)[0]?.n
    const before = await count()
    const { page, errors, context } = await server.open('/search?fresh=Customer')
    await page.getByLabel('name', { exact: true }).fill(customer.name)
    await page.keyboard.press('Tab')
    const { matchesFor } = await server.graph(
      `query($values: JSON!) { matchesFor(type: "Customer", values: $values, first: 10) {
         nodes { goldenId weight verdict } } }`,
      { values: { name: customer.name } },
    )
    const found = page.getByRole('region', { name: 'What it may be' }).getByRole('listitem')
    await eventually(async () => (await found.count()) === matchesFor.nodes.length)
    assert.ok(matchesFor.nodes.length > 0)
    for (const [n, { weight }] of matchesFor.nodes.entries())
      assert.ok((await found.nth(n).innerText()).includes(`${weight.toFixed(1)} bits`))
    assert.deepEqual(await audit(page), [])
    assert.deepEqual(errors, [])
    assert.equal(await count(), before)
    await context.close()
  })

  test('an id of a source system is found, and its system stands at it', async () => {
    const [source] = await server.sql<{ id: string; system: string }[]>`
      select source_id as id, source as system from source_record
      where golden_id = ${customer.id} limit 1`
    assert.ok(source)
    const { page, context } = await server.open('/search')
    await page.getByRole('combobox').fill(source.id)
    const hit = page.getByRole('option').filter({ hasText: source.id }).first()
    await hit.waitFor()
    assert.ok((await hit.innerText()).includes(source.system))
    await hit.click()
    await page.getByRole('heading', { level: 1, name: customer.name }).waitFor()
    await context.close()
  })
})
