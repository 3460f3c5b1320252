import { ownValue } from '../../schema/kit/dictionary.ts'
import type { FieldPolicy, Policy } from '../../schema/policy.ts'
import { isStorable } from '../../schema/storable.ts'
import { fitting, intMax } from './fitting.ts'
import { passesFormat } from './format.ts'

const itemsMax = 1_000
const textCharsMax = 10_000

/**
 * Returns what is wrong with a value that a steward states for a field, or null. A reference must
 * have the form of an id; whether it resolves is not checked here.
 */
export function valueFault(policy: Policy, field: FieldPolicy, value: unknown): string | null {
  if (value === null || value === undefined)
    return field.required ? `${field.name} must have a value` : null
  if (!field.list) return itemFault(policy, field, value)
  if (!Array.isArray(value)) return `${field.name} is a list`
  if (value.length > itemsMax) return `${field.name} has ${value.length} items; at most ${itemsMax}`
  if (new Set(value.map((item) => JSON.stringify(item))).size < value.length)
    return `${field.name} names an item twice`
  for (const item of value) {
    const fault = itemFault(policy, field, item)
    if (fault) return fault
  }
  return null
}

function itemFault(policy: Policy, field: FieldPolicy, value: unknown): string | null {
  const wrong = (right: string) =>
    `${field.name} is ${right}, not ${JSON.stringify(value)?.slice(0, 80)}`
  const fit = (right: string) =>
    fitting(policy, { ...field, list: false }, value) === undefined ? wrong(right) : null
  switch (field.kind) {
    case 'GROUP': {
      if (typeof value !== 'object' || value === null || Array.isArray(value))
        return wrong(`a ${field.typeName}`)
      const parts = policy.groups.get(field.typeName)?.fields ?? []
      const given = value as Record<string, unknown>
      const unknown = Object.keys(given).find((name) => !parts.some((p) => p.name === name))
      if (unknown)
        return `${field.typeName} has no ${unknown}; it has ${parts.map((p) => p.name).join(', ')}`
      for (const part of parts) {
        const fault = valueFault(policy, part, ownValue(given, part.name))
        if (fault) return `${field.name}.${fault}`
      }
      return null
    }
    case 'INT':
      return fit(`a whole number up to ${intMax}`)
    case 'MINOR_UNITS':
      return fit('a whole number')
    case 'FLOAT':
      return fit('a number')
    case 'BOOLEAN':
      return fit('true or false')
    case 'ENUM': {
      const allowed = policy.enums.get(field.typeName)?.values.map((v) => v.name) ?? []
      return fit(`one of ${allowed.join(', ')}`)
    }
    default: {
      if (typeof value !== 'string' || value.trim() === '') return wrong('a text')
      if (value.length > textCharsMax)
        return `${field.name} has ${value.length} characters; at most ${textCharsMax}`
      if (!isStorable(value)) return `${field.name} holds a character that cannot be stored`
      const format = field.format ?? (field.kind === 'DATE' ? 'DATE' : undefined)
      return !format || passesFormat(format, value) ? null : wrong(`of the form ${format}`)
    }
  }
}
