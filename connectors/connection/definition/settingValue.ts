import type { Setting } from './settings.ts'

/** The value of a setting as it is used, or why a text is none. */
export type SettingValue = { value: string } | { problem: string }

/** Checks the text of a setting that is no secret. `privateAddresses` allows http. */
export function settingValue(
  setting: Setting,
  text: string,
  privateAddresses: boolean,
): SettingValue {
  if (setting.is === 'number') {
    const n = Number(text)
    if (text === '' || !Number.isFinite(n) || n < setting.min || n > setting.max)
      return {
        problem: `must be a number ${setting.max === Number.MAX_SAFE_INTEGER ? `of at least ${setting.min}` : `from ${setting.min} to ${setting.max}`}`,
      }
  }
  if (setting.pattern && !setting.pattern.test(text))
    return {
      problem: `"${text}" is not ${setting.help ? `${setting.help}; that has` : 'of'} the form ${formOf(setting.pattern)}`,
    }
  if (setting.is !== 'url') return { value: text }
  if (!URL.canParse(text)) return { problem: `"${text}" is not an address; write https://…` }
  const url = new URL(text)
  if (url.protocol === 'http:' && !privateAddresses)
    return { problem: 'must begin with https://; http needs privateAddresses: true' }
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    return { problem: 'must begin with https://' }
  if (url.username !== '' || url.password !== '')
    return { problem: 'has a user or a password in it; they have settings of their own' }
  if (url.search !== '' || url.hash !== '')
    return { problem: 'has a query or a fragment; write the address alone' }
  return { value: text.replace(/\/+$/, '') }
}

/** Returns the default of a setting; null where it has none, or where a part of it is not given. */
export function defaultOf(setting: Setting, values: ReadonlyMap<string, string>): string | null {
  const template = setting.default
  if (!template || ![...template.names].every((name) => values.has(name))) return null
  const times = { text: 'iso', zone: 'UTC' }
  return template.render({ get: (name) => values.get(name), times }) || null
}

/** Returns a pattern as the definition writes it, without the anchors. */
function formOf(pattern: RegExp): string {
  return pattern.source.replace(/^\^\(\?:(.*)\)\$$/s, '$1')
}
