import { ownValue } from '../../../schema/kit/dictionary.ts'
import { dayMs, type ObjectRules } from '../kit/store.ts'
import { article, company, person } from '../kit/world.ts'
import type { ObjectName } from './objects.ts'

type Fields = Record<string, unknown>

/** Draws the fields of new records. */
export const drawn: Readonly<Record<ObjectName, ObjectRules['draw']>> = {
  organizations(draw) {
    const { name, industry, employees, domain, email, phone, address, taxId } = company(draw)
    const { street, city, region, postcode, country } = address
    const billing = {
      ...{ line1: street, city, country, postal_code: postcode || null },
      region: region || null,
    }
    return {
      ...{ name, industry, employee_count: employees, email, phone },
      legal_name: draw.chance(0.5) ? name : null,
      status: draw.pick(['prospect', 'customer', 'customer', 'former']),
      website: `https://www.${domain}`,
      addresses: { billing, shipping: draw.chance(0.3) ? billing : null },
      tax_registrations: taxId ? [{ country, kind: 'vat', number: taxId }] : [],
      custom: { segment: draw.pick(['A', 'B', 'C']), credit_limit: draw.between(1, 90) * 1000 },
    }
  },
  people(draw, store) {
    const [first, second] = [store.pick(draw, 'organizations'), store.pick(draw, 'organizations')]
    if (first === undefined) return undefined
    const { given, family, email, phone, title } = person(draw, company(draw).domain)
    const others = second !== undefined && second !== first && draw.chance(0.3) ? [second] : []
    return {
      ...{ given_name: given, family_name: family, email, job_title: title },
      phone: draw.chance(0.6) ? phone : null,
      organizations: [{ id: first, role: 'buyer', primary: true }, ...others.map((id) => ({ id }))],
    }
  },
  deals(draw, store) {
    const organization = store.pick(draw, 'organizations')
    if (organization === undefined) return undefined
    const items = Array.from({ length: draw.between(0, 3) }, () => {
      const { name, sku, priceMinor } = article(draw)
      return { sku, name, quantity: draw.between(1, 40), unit_minor: priceMinor }
    })
    return {
      name: `${draw.pick(['Renewal', 'Expansion', 'New site'])} ${draw.between(2026, 2029)}`,
      organization_id: organization,
      stage: draw.pick(['open', 'proposal', 'negotiation', 'won', 'lost']),
      amount: { minor: draw.between(1, 900) * 1000, currency: draw.pick(['EUR', 'USD', 'JPY']) },
      close_date: new Date(store.clock.now() + draw.between(5, 200) * dayMs)
        .toISOString()
        .slice(0, 10),
      line_items: items,
    }
  },
}

/** Draws changes of records. */
export const redrawn: Readonly<Record<ObjectName, ObjectRules['redraw']>> = {
  organizations: (draw, record) =>
    draw.pick([
      { status: draw.pick(['prospect', 'customer', 'former']) },
      { name: company(draw).name },
      { phone: company(draw).phone },
      { custom: { ...(ownValue(record, 'custom') as Fields), segment: draw.pick(['A', 'B']) } },
      { tax_registrations: [] },
    ]),
  people: (draw) =>
    draw.pick([{ phone: company(draw).phone }, { job_title: draw.pick(['Buyer', 'CFO', null]) }]),
  deals: (draw, record) =>
    draw.pick([
      { stage: draw.pick(['proposal', 'negotiation', 'won', 'lost']) },
      { amount: { minor: draw.between(1, 900) * 1000, currency: 'EUR' } },
      { line_items: (ownValue(record, 'line_items') as Fields[]).slice(0, 1) },
    ]),
}
