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
    invoice: ['53ac07db641c6017'],
    link: ['43b4330f5e6899dd'],
    match_key: ['e54a056e8390b984'],
    match_label: ['5f990d4dd3c362f8'],
    opportunity: ['9617c69a84c66fb9'],
    payment: ['2749e99da4110dcb'],
    possible_match: ['299576ee1fc1fb96'],
    posting: ['1b6cac6bb3726ee0'],
    record_reference: ['d7c32c501bd4cb64'],
    seen_golden: ['11c9820acdc2d215', 'beec735273f49fd2'],
    seen_record: ['79d28a593d5a782a'],
    sensitive_access: ['9deeed53d96d2143'],
    source_record: ['5809687d5cb97047'],
    standing: ['f396bd541e3601ea'],
    subscription: ['508e8534298a6bd6'],
    task: ['afa6417a6edb6c20'],
    task_comment: ['55b92f9c8b12d81a'],
    webhook_delivery: ['e2f1bd28fd18523e'],
    withdrawal: ['f37352845e430b9e'],
  }),
)

export const rowRightsGuard: RowRightsGuard = {
  role: READING_ROLE,
  readable: READABLE,
  secured: SECURED,
  isKnownFunction: isRowRightsFunction,
  isKnownText: (relation, text) => TEXTS.get(relation)?.includes(hashOf(text)) === true,
}
