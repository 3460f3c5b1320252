import { ConfigError } from '../../schema/kit/configError.ts'
import { dataText } from '../../schema/kit/dataText.ts'
import { normalText } from '../../schema/kit/normalText.ts'
import type { YamlFile } from '../yamlFile.ts'
import { isEmpty } from './path.ts'

/**
 * Looks a code of the source system up; `known` is false where the list does not have it, `listed`
 * is true where it has the code itself and not only a prefix.
 */
export interface CodeList {
  (code: unknown): { known: boolean; listed: boolean; value: unknown }
  /**
   * Returns the whole codes for a value that `fits`, in the order of the file, and the prefixes of
   * codes for it.
   */
  codesOf(fits: (value: unknown) => boolean): { whole: string[]; prefixes: string[] }
}

/**
 * Compiles a map of codes to values. A code that ends in `*` matches all codes with that prefix;
 * null means no value. Case and surrounding blanks are ignored. With `canonical`, the list's values
 * also map to themselves.
 */
export function codeList(map: object, canonical = false): CodeList {
  const exact = new Map<string, unknown>()
  const prefixes: [string, unknown][] = []
  if (canonical)
    for (const value of Object.values(map)) if (!isEmpty(value)) exact.set(fold(value), value)
  for (const [code, value] of Object.entries(map)) {
    if (code.endsWith('*')) prefixes.push([fold(code.slice(0, -1)), value])
    else exact.set(fold(code), value)
  }
  prefixes.sort((a, b) => b[0].length - a[0].length)
  const find = (given: unknown) => {
    const code = fold(given)
    if (exact.has(code)) return { known: true, listed: true, value: exact.get(code) }
    const prefix = prefixes.find(([p]) => code.startsWith(p))
    return { known: prefix !== undefined, listed: false, value: prefix?.[1] }
  }
  const codesOf: CodeList['codesOf'] = (fits) => {
    const codes = Object.entries(map).flatMap(([code, value]) =>
      !isEmpty(value) && fits(value) ? [code] : [],
    )
    return {
      whole: codes.filter((code) => !code.endsWith('*')),
      prefixes: codes.filter((code) => code.endsWith('*')),
    }
  }
  return Object.assign(find, { codesOf })
}

function fold(code: unknown): string {
  return normalText(dataText(code)).toLowerCase()
}

/**
 * Reads the code lists of one source system, by name; later files replace lists of earlier ones.
 * Throws ConfigError.
 */
export function readCodeLists(files: readonly YamlFile[]): Map<string, CodeList> {
  const lists = new Map<string, CodeList>()
  for (const file of files) {
    for (const [name, map] of Object.entries(mapIn(file, file.value, []))) {
      const codes = mapIn(file, map, [name])
      for (const [code, value] of Object.entries(codes))
        if (value !== null && !['string', 'number', 'boolean'].includes(typeof value))
          throw new ConfigError(
            `${file.at([name, code])}: ${name}.${code}: a canonical code is a single value or null`,
          )
      lists.set(name, codeList(codes, true))
    }
  }
  return lists
}

function mapIn(file: YamlFile, value: unknown, at: string[]): Record<string, unknown> {
  if (value !== null && typeof value === 'object' && !Array.isArray(value))
    return value as Record<string, unknown>
  throw new ConfigError(
    `${file.at(at)}: ${at.join('.') || 'a file of code lists'}: must be a map of ${at.length ? 'codes to canonical ones' : 'lists by name'}`,
  )
}
