import { readFileSync } from 'node:fs'
import { LRUCache } from 'lru-cache'
import { parse } from 'yaml'
import { z } from 'zod'
import { ownValue } from '../../schema/kit/dictionary.ts'
import { All, NameSet } from './caller.ts'

const name = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,63}$/i, 'a role is a word of letters, digits, - and _')
const scope = z
  .string()
  .regex(
    /^([a-z][a-z0-9_-]*:[a-z0-9_*-]+|\*)$/i,
    'a scope is two words with a colon between, as golden:read, or "*"',
  )
/** `*` and `**` stand for everyone and everything in the database (mdm/access/rowRightsSql.ts). */
const word = z.string().regex(/^[^*]+$/, 'a region, and what belongs to it, is a word without *')
const rowsSchema = z
  .strictObject({
    regions: z.record(word, z.array(word)).optional(),
    legalEntities: z.boolean().default(false),
  })
  .refine(
    (r) => r.regions !== undefined || r.legalEntities,
    'rows: give regions, or legalEntities: true, or leave it out',
  )
const schema = z.strictObject({
  rows: rowsSchema.optional(),
  roles: z.record(
    name,
    z.strictObject({ includes: z.array(name).default([]), scopes: z.array(scope).default([]) }),
  ),
})

/** The rights of a set of roles. */
export interface Rights {
  /** The roles themselves and all that they include. */
  roles: ReadonlySet<string>
  scopes: ReadonlySet<string>
}

/** Roles of the installation as sets of scopes. */
export interface Access {
  roles: readonly string[]
  /** The rules of row rights. Without them every caller may see every row. */
  rows?:
    | { regions?: ReadonlyMap<string, readonly string[]> | undefined; legalEntities: boolean }
    | undefined
  /**
   * Returns the rights of these roles; unknown names give none. Equal roles return the same sets,
   * so that caches can use them as keys.
   */
  rightsOf(roles: readonly string[], scopes?: readonly string[]): Rights
}

const setsMax = 1_000

/** Reads config/access.yaml. Throws with the path of the error and the allowed values. */
export function readAccess(file: string): Access {
  let given: unknown
  try {
    given = parse(readFileSync(file, 'utf8'))
  } catch (e) {
    throw new Error(`${file}: ${e instanceof Error ? e.message : e}`)
  }
  const result = schema.safeParse(given)
  if (!result.success) {
    const issue = result.error.issues[0]
    const why = issue?.code === 'invalid_key' ? issue.issues[0]?.message : issue?.message
    throw new Error(`${file}: ${issue?.path.join('.') ?? ''}: ${why ?? 'is invalid'}`)
  }
  const { roles } = result.data
  for (const [role, { includes }] of Object.entries(roles))
    for (const other of includes)
      if (!Object.hasOwn(roles, other))
        throw new Error(
          `${file}: roles.${role}.includes: there is no role "${other}"; there are ${Object.keys(roles).join(', ')}`,
        )
  const { rows } = result.data
  if (!rows) return accessOf(roles)
  const regions = rows.regions && new Map(Object.entries(rows.regions))
  return { ...accessOf(roles), rows: { regions, legalEntities: rows.legalEntities } }
}

/** Returns the access of roles given as data. */
export function accessOf(
  roles: Readonly<Record<string, { includes?: string[]; scopes?: string[] }>>,
): Access {
  const all = new All()
  const known = new LRUCache<string, Rights>({ max: setsMax })

  function closure(names: readonly string[], found: NameSet): NameSet {
    for (const n of names) {
      const role = ownValue(roles, n)
      if (!role || found.has(n)) continue
      found.add(n)
      closure(role.includes ?? [], found)
    }
    return found
  }

  return {
    roles: Object.keys(roles),
    rightsOf(names, scopes = []) {
      const key = JSON.stringify([names.toSorted(), scopes.toSorted()])
      let rights = known.get(key)
      if (rights) return rights
      const held = closure(names, new NameSet())
      const granted = new NameSet([
        ...scopes,
        ...[...held].flatMap((n) => ownValue(roles, n)?.scopes ?? []),
      ])
      rights = { roles: held, scopes: granted.has('*') ? all : granted }
      known.set(key, rights)
      return rights
    },
  }
}
