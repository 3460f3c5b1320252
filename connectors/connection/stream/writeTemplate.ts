import type { Template } from '../definition/template.ts'

/** Writes a text with settings. */
export function writeTemplate(template: Template, values: ReadonlyMap<string, string>): string {
  const times = { text: 'iso', zone: 'UTC' }
  return template.render({ get: (name) => values.get(name), times }) ?? ''
}
