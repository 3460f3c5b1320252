import { ownValue } from '../../../schema/kit/dictionary.ts'
import type { Random } from '../../random.ts'
import { type Action, dayMs, type ObjectRules, type Store } from '../kit/store.ts'
import { company, person } from '../kit/world.ts'

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'

/** Returns an id of 36 characters; its beginning names the object. */
const gsid = (random: Random, prefix: string) =>
  prefix + Array.from({ length: 32 }, () => alphabet[random.between(0, 35)]).join('')

const stages = ['1I00STAGENEW', '1I00STAGEADOPTING', '1I00STAGEEXPANDING', '1I00STAGEATRISK']

/** The user of the access key, and the user who makes all other changes. */
const API_USER = '1P01APIUSER0000000000000000000000000'
const ADMIN = '1P01ADMIN000000000000000000000000000'

export function gainsightRules(random: Random): ObjectRules[] {
  const rules = (
    name: string,
    prefix: string,
    weight: number,
    settable: string,
    draw: ObjectRules['draw'],
    redraw: ObjectRules['redraw'],
  ): ObjectRules => ({
    name,
    idField: 'Gsid',
    fields: settable.split(' '),
    weight,
    newId: () => gsid(random, prefix),
    // Every field that a user can set is in the record: null if it was never set.
    write(fields, { id, now, before, by }) {
      const user = by === 'api' ? API_USER : ADMIN
      return {
        Gsid: id,
        ...Object.fromEntries(settable.split(' ').map((field) => [field, null])),
        CreatedDate: now,
        CreatedBy: user,
        ...before,
        ...fields,
        ModifiedDate: now,
        ModifiedBy: user,
      }
    },
    erase: (record, now) => (name === 'call_to_action' ? { ...record, ModifiedDate: now } : record),
    draw,
    redraw,
  })

  return [
    rules(
      'GsUser',
      '1P01',
      1,
      'Name FirstName LastName Email IsActiveUser Title',
      (draw) => {
        const { given, family, email, title } = person(draw, 'seller.example')
        return {
          Name: `${given} ${family}`,
          FirstName: given,
          LastName: family,
          Email: email,
          Title: title,
          IsActiveUser: true,
        }
      },
      () => ({ IsActiveUser: false }),
    ),
    rules(
      'Company',
      '1P02',
      8,
      'Name ParentCompany ARR MRR Users Employees Industry RenewalDate OriginalContractDate CustomerSince CurrentScore Stage Status Csm Summary CurrencyIsoCode SfdcAccountId Touchstone_Id__gc',
      (draw, store) => {
        const { name, industry, employees, currency } = company(draw)
        const parent = draw.chance(0.15) ? store.pick(draw, 'Company') : undefined
        const arr = draw.between(5, 900) * 1000
        const now = store.clock.now()
        return {
          Name: name,
          ...(parent === undefined ? {} : { ParentCompany: parent }),
          ARR: arr,
          MRR: Math.round(arr / 12),
          Employees: employees,
          Users: draw.between(1, 400),
          Industry: industry,
          CurrencyIsoCode: currency,
          RenewalDate: startOfDay(now + draw.between(10, 400) * dayMs),
          CustomerSince: startOfDay(now),
          CurrentScore: draw.between(0, 100),
          Stage: draw.pick(stages),
          Csm: store.pick(draw, 'GsUser') ?? null,
          ...(draw.chance(0.4) ? { SfdcAccountId: `001${draw.token(15)}` } : {}),
        }
      },
      (draw) =>
        draw.pick([
          { CurrentScore: draw.between(0, 100) },
          { Stage: draw.pick(stages) },
          { ARR: draw.between(5, 900) * 1000 },
          { Name: company(draw).name },
        ]),
    ),
    rules(
      'Person',
      '1P03',
      5,
      'Name FirstName LastName Email Phone Location Timezone LinkedinUrl',
      (draw) => {
        const { given, family, email, phone } = person(draw, company(draw).domain)
        return {
          Name: `${given} ${family}`,
          FirstName: given,
          LastName: family,
          Email: email,
          ...(draw.chance(0.6) ? { Phone: phone } : {}),
        }
      },
      (draw) => ({ Phone: company(draw).phone }),
    ),
    rules(
      'Company_Person',
      '1P04',
      4,
      'Company_ID Person_ID Title Role Active IsPrimaryCompany',
      (draw, store) => {
        const [companyId, personId] = [store.pick(draw, 'Company'), store.pick(draw, 'Person')]
        if (companyId === undefined || personId === undefined) return undefined
        return {
          Company_ID: companyId,
          Person_ID: personId,
          Title: person(draw, 'a.example').title,
          Active: true,
          IsPrimaryCompany: draw.chance(0.8),
        }
      },
      () => ({ Active: false }),
    ),
    rules(
      'Relationship',
      '1P05',
      3,
      'Name CompanyId Status Stage ARR RenewalDate CurrentScore Csm',
      (draw, store) => {
        const companyId = store.pick(draw, 'Company')
        if (companyId === undefined) return undefined
        return {
          Name: draw.pick(['Platform', 'Support', 'Training']),
          CompanyId: companyId,
          Stage: draw.pick(stages),
          ARR: draw.between(1, 90) * 1000,
          RenewalDate: startOfDay(store.clock.now() + 200 * dayMs),
          CurrentScore: draw.between(0, 100),
        }
      },
      (draw) => ({ CurrentScore: draw.between(0, 100) }),
    ),
    rules(
      'activity_timeline',
      '1P06',
      4,
      'Subject Notes ActivityDate TypeName contextname AuthorId GsCompanyId GsRelationshipId',
      (draw, store) => {
        const companyId = store.pick(draw, 'Company')
        if (companyId === undefined) return undefined
        return {
          Subject: draw.pick(['Quarterly review', 'Call', 'Escalation', 'Onboarding']),
          Notes: `Note ${draw.between(1, 9999)}`,
          ActivityDate: store.clock.now(),
          TypeName: draw.pick(['Call', 'Meeting', 'Email']),
          contextname: 'Company',
          AuthorId: store.pick(draw, 'GsUser') ?? null,
          GsCompanyId: companyId,
        }
      },
      (draw) => ({ Notes: `Note ${draw.between(1, 9999)}` }),
    ),
    rules(
      'call_to_action',
      '1S01',
      3,
      'Name CompanyId OwnerId DueDate EntityType IsClosed IsImportant PriorityId StatusId TypeId ReasonId Comments',
      (draw, store) => {
        const companyId = store.pick(draw, 'Company')
        if (companyId === undefined) return undefined
        return {
          Name: draw.pick(['Renewal at risk', 'Usage fell', 'New sponsor']),
          CompanyId: companyId,
          OwnerId: store.pick(draw, 'GsUser') ?? null,
          DueDate: startOfDay(store.clock.now() + 14 * dayMs),
          EntityType: 'COMPANY',
          IsClosed: false,
          IsImportant: draw.chance(0.3),
          PriorityId: '1I00PRIORITYHIGH',
          StatusId: '1I00STATUSNEW',
          TypeId: '1I00TYPERISK',
          ReasonId: '1I00REASONOTHER',
        }
      },
      (draw) => draw.pick([{ IsClosed: true }, { Comments: `Comment ${draw.between(1, 99)}` }]),
    ),
  ]
}

const startOfDay = (ms: number) => ms - (ms % dayMs)

/** Fields that name a company, by object. */
const COMPANY_FIELD: ReadonlyMap<string, string> = new Map([
  ['Company_Person', 'Company_ID'],
  ['Relationship', 'CompanyId'],
  ['activity_timeline', 'GsCompanyId'],
  ['call_to_action', 'CompanyId'],
])

function* recordsOf(store: Store, companyId: string) {
  for (const [object, field] of COMPANY_FIELD)
    for (const { id, record, deleted } of [...store.table(object).rows()])
      if (!deleted && ownValue(record, field) === companyId) yield { object, id, field }
}

/** Deletes what belongs to a deleted company. */
export function deleteOfCompany(store: Store, companyId: string): void {
  for (const { object, id } of recordsOf(store, companyId)) store.remove(object, id)
}

/** Merges two companies: everything of one moves to the other, and the one is deleted. */
export const mergeCompanies: Action = {
  weight: 0.5,
  run(draw, store) {
    const [from, to] = [store.pick(draw, 'Company'), store.pick(draw, 'Company')]
    if (from === undefined || to === undefined || from === to) return
    for (const { object, id, field } of recordsOf(store, from))
      store.put(object, { Gsid: id, [field]: to })
    store.remove('Company', from)
  },
}
