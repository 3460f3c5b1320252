import { hasLegalEntity, OPERATIONAL_TYPES, ownerOf, tableOf } from '../../schema/operational.ts'
import type { RowRightsGuard } from '../audit/rowRightsFaults.ts'
import { READING_ROLE } from './rowRights.ts'
import { hashOf, isRowRightsFunction, READABLE, SECURED } from './rowRightsSql.ts'

/**
 * Digests of the policies and views of row rights, as the catalog prints them. The printed text of
 * one of them differs between Postgres 15 and 18. A digest in the database would be changed with
 * the text that it is of. test/cli/twoUsers.pg.test.ts compares them with a database that was just
 * set up, and prints the right ones.
 */
const TEXTS = new Map(
  Object.entries({
    action: ['15d42f3a768f1f6e'],
    assertion: ['62d8870b1edf0c71'],
    audit: ['0c96a63f4fb71c57'],
    change: ['8cad07fd6d6620df'],
    golden: ['b00f1b885429a92c'],
    hierarchy_ring: ['cb5007345cf391e6'],
    link: ['43b4330f5e6899dd'],
    match_key: ['e54a056e8390b984'],
    match_label: ['5f990d4dd3c362f8'],
    possible_match: ['299576ee1fc1fb96'],
    record_reference: ['d7c32c501bd4cb64'],
    seen_golden: ['11c9820acdc2d215', 'beec735273f49fd2'],
    seen_record: ['79d28a593d5a782a'],
    sensitive_access: ['9deeed53d96d2143'],
    source_record: ['5809687d5cb97047'],
    standing: ['f396bd541e3601ea'],
    task: ['afa6417a6edb6c20'],
    task_comment: ['55b92f9c8b12d81a'],
    webhook_delivery: ['e2f1bd28fd18523e'],
    withdrawal: ['f37352845e430b9e'],
  }),
)

/** Those of operational objects, whose table and owner are named alike in each. */
const OF_OBJECTS = 'cac7191515119959'
const OF_OBJECTS_WITH_ENTITY = '7cdacb5d9c2f280e'

const objects = new Map(OPERATIONAL_TYPES.map((type) => [tableOf(type), type]))

function isKnownText(relation: string, text: string): boolean {
  const type = objects.get(relation)
  if (!type) return TEXTS.get(relation)?.includes(hashOf(text)) === true
  const named = text.replaceAll(`${relation}.${ownerOf(type)}`, 'object.owner')
  return hashOf(named) === (hasLegalEntity(type) ? OF_OBJECTS_WITH_ENTITY : OF_OBJECTS)
}

export const rowRightsGuard: RowRightsGuard = {
  role: READING_ROLE,
  readable: READABLE,
  secured: SECURED,
  isKnownFunction: isRowRightsFunction,
  isKnownText,
}
