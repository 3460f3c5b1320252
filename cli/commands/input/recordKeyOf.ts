import { recordKey } from '../../../schema/recordKey.ts'

/**
 * Returns the key of a source record. The argument is a key (golden ids are keys too), or a name of
 * the form system/object/id.
 */
export function recordKeyOf(given: string): string {
  const [system, object, ...id] = given.split('/')
  return system !== undefined && object !== undefined && id.length > 0
    ? recordKey(system, object, id.join('/'))
    : given
}
