import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { openDatabase } from '../../mdm/db/database.ts'
import { reportUrl } from './subgraphs.ts'

// Gives the same response from one hand-written SQL statement behind a bare node:http server.

const [databaseUrl = '', pages = '40'] = process.argv.slice(2)
const sql = openDatabase(databaseUrl, { connectionsMax: 10, name: 'bench', planCache: 'auto' })

const statement = `
  with page as (
    select id, values from golden where type = 'Customer' and state = 'ACTIVE' and ((values ->> 'name') collate by_name, id) > ($1, $2::uuid)
    order by (values ->> 'name') collate by_name, id limit 10)
  select coalesce(json_agg(json_build_object('id', p.id, 'name', p.values ->> 'name', 'lifecycle', p.values ->> 'lifecycle',
    'contracts', (select coalesce(json_agg(c), '[]') from (
      select g.id, g.values ->> 'number' as number, g.values -> 'value' as value
      from source_record m join record_reference r on r.target = m.key join source_record s on s.id = r.record_id and s.type = 'Contract'
        join golden g on g.id = s.golden_id and g.state = 'ACTIVE'
      where m.golden_id = p.id group by g.id order by number limit 5) c),
    'invoices', (select coalesce(json_agg(i), '[]') from (
      select s.key as id, i.number, i.due_date as "dueDate", i.balance_minor as "minorUnits", i.currency
      from source_record m join invoice i on i.customer = m.key join source_record s on s.id = i.record_id
      where m.golden_id = p.id and not i.deleted and i.balance_minor > 0 and i.status is distinct from 'void'
      order by i.issue_date desc, s.key limit 5) i))), '[]') as answer from page p`
const places = await sql<{ name: string; id: string }[]>`
  select name, id from (select (values ->> 'name') collate by_name as name, id, row_number() over (order by (values ->> 'name') collate by_name, id) as n
    from golden where type = 'Customer' and state = 'ACTIVE') x where n % 10 = 0 order by n limit ${Number(pages) - 1}`
const from = [{ name: '', id: '00000000-0000-0000-0000-000000000000' }, ...places]
const server = createServer(async (_, res) => {
  const at = from[Math.floor(Math.random() * from.length)]
  const rows = await sql.unsafe(statement, [at?.name ?? '', at?.id ?? ''], { prepare: true })
  res.setHeader('content-type', 'application/json').end(JSON.stringify(rows[0]?.answer))
})
server.listen(0, '127.0.0.1', () =>
  reportUrl(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`),
)
