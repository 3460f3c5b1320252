import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { pathKey } from '../../../connectors/connection/definition/writeFields.ts'
import { readDefinition } from '../../../connectors/connection/definition.ts'
import { openWrite } from '../../../connectors/connection/write/ability.ts'
import type { WriteAbility } from '../../../connectors/connection/writing.ts'
import { KINDS } from '../../../connectors/kinds.ts'
import { foldName } from '../../../connectors/mapping/path.ts'
import { isMap } from '../../../connectors/mapping/rule.ts'
import { parseYaml } from '../../../connectors/yamlFile.ts'
import { ofKind, policy, root } from '../fixture.ts'

const file = (kind: string, name: string) => join(root, 'connectors', kind, name)
const asked = KINDS.filter((kind) => existsSync(file(kind.name, 'connection.yaml')))

/** Paths that not every system of the kind has; settings of the definition name them. */
const OPTIONAL: Record<string, string[]> = {
  salesforce: [
    ...['Tradestyle', 'DunsNumber', 'PersonEmail', 'PersonMobilePhone', 'PersonHomePhone'],
    ...['IsPersonAccount', 'CurrencyIsoCode', 'BillingCountryCode', 'MailingCountryCode'],
    ...['CountryCode', 'OpportunityId', 'QuoteId'],
  ],
  // What not every tenant has, and queries by an overlay with a definition of its own.
  gainsight: ['Status', 'Website', 'Domain', 'CurrencyIsoCode', 'CsmName', 'Phone', 'MobilePhone'],
}

/** Kinds whose mapping reads other forms of a record too, which the definition does not ask for. */
const SEVERAL_FORMS = ['netsuite']

/** A text that is no path is none that is read. */
function pathKeyOf(text: string): string {
  try {
    return pathKey(text)
  } catch {
    return ''
  }
}

/** Fields that take each of their paths; any other takes the first with a value. */
const LISTS = ['emails', 'phones', 'domains', 'taxIds', 'tradingNames', 'registrationIds']

/** Returns the paths of a rule without which it has no value. */
function missing(rule: unknown, has: (path: string) => boolean, isList = false): string[] {
  if (typeof rule === 'string') return has(rule) ? [] : [rule]
  if (Array.isArray(rule)) {
    const all = rule.map((part) => missing(part, has))
    return isList ? all.flat() : all.some((one) => one.length === 0) ? [] : all.flat()
  }
  if (!isMap(rule) || 'constant' in rule) return []
  if ('each' in rule) return missing(rule.each, has)
  if ('join' in rule) return missing(rule.join, has)
  if ('from' in rule) return missing(rule.from, has, isList)
  if ('major' in rule || 'minor' in rule)
    return [...missing(rule.major ?? rule.minor, has), ...missing(rule.currency, has)]
  return Object.entries(rule).flatMap(([name, part]) => missing(part, has, LISTS.includes(name)))
}

/** Returns the column of a path; that of a text for people is its lookup. */
function fieldOf(path: string): string {
  return path
    .replace(/^\$\./, '')
    .replace(/^"([^"@]+)@[^"]*"$/, '$1')
    .replace(/^properties\./, '')
}

/** Objects of golden types that get no golden id, with the reason that their README gives. */
const NO_GOLDEN_ID: Record<string, string[]> = {
  chargebee: ['item'],
  dataverse: ['leads', 'products'],
  finance: ['CustomersV3', 'ContactPersons', 'ProductsV2'],
  netsuite: ['salesOrder'],
  salesforce: ['Lead', 'Contract'],
  sap: ['A_Product', 'A_SalesContract'],
  zuora: ['Product'],
}

/** Returns the texts of a rule that may be paths, those of a group with each of its places. */
function pathsOf(rule: unknown, under: readonly string[] = ['']): string[] {
  if (typeof rule === 'string') return under.map((place) => `${place}${rule}`)
  if (Array.isArray(rule)) return rule.flatMap((part) => pathsOf(part, under))
  if (!isMap(rule)) return []
  const each = pathsOf(rule.each).map((place) => `${place}.`)
  const inside = each.length > 0 ? each : under
  return Object.entries(rule).flatMap(([name, part]) =>
    name === 'each' ? [] : pathsOf(part, inside),
  )
}

/** Returns the golden fields that have an owner, lead back to the record and can be written. */
function goldenFields(kind: string, object: string, ability: WriteAbility): string[] {
  const connector = ofKind(kind)
  const name = connector.objectName(object) ?? object
  const as = connector.objects.find((o) => o.name === name)?.as
  const type = policy.types.find((t) => t.name === as)
  const owned = new Set(type?.fields.filter((f) => f.systemOfRecord.length > 0).map((f) => f.name))
  return [...connector.writings(name)]
    .filter(([field, { obstacle, parts }]) => {
      const reaches = parts.every((paths) => paths.some((p) => ability.refusalOf(p) === null))
      return owned.has(field) && !obstacle && reaches
    })
    .map(([field]) => field)
}

describe('definitions of connections', () => {
  for (const { name } of asked) {
    const definition = readDefinition(
      file(name, 'connection.yaml'),
      ofKind(name).objects.map((object) => object.name),
    )

    test(`${name}: each object is one of its mapping, and finds what is deleted`, () => {
      for (const [object, { deletes, delta, under }] of definition.objects) {
        const finds =
          deletes.flag || deletes.feed || deletes.census || deletes.tombstone || deletes.list
        assert.ok(finds, `${object}: deletes:`)
        assert.ok(delta || under || deletes.census, `${object}: neither delta: nor census`)
      }
    })

    test(`${name}: what is written is what the mapping reads, and a create is found again`, () => {
      const mapping = parseYaml(readFileSync(file(name, 'mapping.yaml'), 'utf8'), name)
      const { objects = {} } = mapping.value as Record<string, Record<string, unknown>>
      const settings = new Map([...definition.settings.keys()].map((s) => [s, `${s}__c`] as const))
      const readme = readFileSync(file(name, 'README.md'), 'utf8')
      const reach: string[] = []
      for (const [object, { write, fields }] of definition.objects) {
        if (!write) continue
        const what = `${name}: ${object}`
        const known = Object.entries(objects)
          .filter(([key, spec]) => key === object || (isMap(spec) && spec.of === object))
          .flatMap(([, spec]) => pathsOf((spec as Record<string, unknown>).fields))
        const read = new Set(known.map(pathKeyOf))
        const { ability, goldenId, create } = openWrite(write, settings)
        if (goldenId) read.add(pathKey(goldenId.text))
        // What each new record is given may decide more than fields: its role, its numbers.
        for (const path of create?.given.keys() ?? []) read.add(pathKey(path))
        const requests = [...write.updates, ...(create ? [create] : [])]
        const lost = requests.flatMap((r) =>
          [...r.fields].filter(([key]) => !read.has(key)).map(([, { path }]) => path.text),
        )
        assert.deepEqual(lost, [], `${what}: the mapping reads no such path`)
        const none = NO_GOLDEN_ID[name]?.includes(object) ?? false
        assert.equal(goldenId === null, none, `${what}: goldenId:`)
        assert.ok(!create || ability.find || ability.once.by === 'KEY', what)
        if (goldenId && fields.length > 0 && !goldenId.text.includes('__c'))
          assert.ok(fields.includes(fieldOf(goldenId.text)), `${what}: the golden id is not read`)
        const written = readme.split(/^## /m).find((part) => part.startsWith('What is written'))
        reach.push(`\`${object}\` ${goldenFields(name, object, ability).join(', ') || 'none'}`)
        assert.match(written ?? '', new RegExp(`\\b${object}\\b`), `${what}: not in its README`)
      }
      const [, stated] = /\*\*Golden fields\*\*[^:]*: (.*?)\. /.exec(readme) ?? []
      assert.equal(stated, reach.length > 0 ? reach.join('; ') : undefined, `${name}: README`)
    })

    test(`${name}: the fields of a request have what the mapping reads`, () => {
      const mapping = parseYaml(readFileSync(file(name, 'mapping.yaml'), 'utf8'), name)
      const { objects, every } = mapping.value as Record<string, Record<string, unknown>>
      const optional = new Set((OPTIONAL[name] ?? []).map(foldName))
      for (const [object, { fields, children }] of definition.objects) {
        const spec = objects?.[object]
        if (fields.length === 0 || !isMap(spec) || SEVERAL_FORMS.includes(name)) continue
        const columns = fields.map((field) => foldName(field.replace(/^.* AS /, '')))
        const known = new Set([...columns, ...optional])
        const has = (path: string) =>
          known.has(foldName(fieldOf(path))) ||
          children.some((c) => foldName(path).startsWith(foldName(`${c.into}[`)))
        const rules = { version: spec.version ?? every?.version, ...(spec.fields as object) }
        assert.deepEqual(missing(rules, has), [], `${name}: ${object}`)
      }
    })
  }
})
