import { chargebee } from '../../demo/systems/chargebee/chargebee.ts'
import { dataverse } from '../../demo/systems/dataverse/dataverse.ts'
import { finance } from '../../demo/systems/finance/finance.ts'
import { gainsight } from '../../demo/systems/gainsight/gainsight.ts'
import { hubspot } from '../../demo/systems/hubspot/hubspot.ts'
import { netsuite } from '../../demo/systems/netsuite/netsuite.ts'
import { oracle } from '../../demo/systems/oracle/oracle.ts'
import { salesforce } from '../../demo/systems/salesforce/salesforce.ts'
import { sap } from '../../demo/systems/sap/sap.ts'
import { stripe } from '../../demo/systems/stripe/stripe.ts'
import { zuora } from '../../demo/systems/zuora/zuora.ts'
import { type KindCase, Secret } from './pulledSystem.ts'

/** The kinds that are tested against a model of their vendor, without the vendor's limits. */
export const KINDS_WITH_MODELS: readonly KindCase[] = [
  {
    model: chargebee,
    role: 'BILLING',
    connection: ({ credentials: { site, apiKey }, url }) => ({
      ...{ site, base: url, apiKey: new Secret(apiKey), perMinute: 1_000_000 },
    }),
  },
  {
    model: stripe,
    role: 'BILLING',
    connection: ({ credentials: { secretKey }, url }) => ({
      ...{ base: url, secretKey: new Secret(secretKey), perSecond: 10_000 },
    }),
  },
  {
    model: zuora,
    role: 'BILLING',
    connection: ({ credentials: { clientId, clientSecret }, url }) => ({
      ...{ base: url, clientId, clientSecret: new Secret(clientSecret) },
      ...{ accountGoldenIdField: 'TouchstoneId__c', contactGoldenIdField: 'TouchstoneId__c' },
    }),
  },
  {
    model: gainsight,
    role: 'SUCCESS',
    connection: ({ credentials: { accessKey }, url }) => ({
      ...{ base: url, accessKey: new Secret(accessKey), perMinute: 1_000_000 },
      ...{ companyGoldenIdField: 'Touchstone_Id__gc', currencyField: 'CurrencyIsoCode' },
    }),
  },
  {
    model: hubspot,
    role: 'CRM',
    connection: ({ credentials: { accessToken }, url }) => ({
      ...{ base: url, accessToken: new Secret(accessToken), perTenSeconds: 100_000 },
    }),
  },
  {
    model: salesforce,
    role: 'CRM',
    connection: ({ credentials: { loginUrl, clientId, username, privateKey } }) => ({
      ...{ loginUrl, clientId, username, privateKey: new Secret(privateKey) },
      ...{ accountGoldenIdField: 'Touchstone_Id__c', contactGoldenIdField: 'Touchstone_Id__c' },
    }),
  },
  {
    model: dataverse,
    role: 'CRM',
    connection: ({
      credentials: { organizationUrl, loginUrl, tenantId, clientId, clientSecret },
    }) => ({
      ...{ organizationUrl, loginUrl, tenantId, clientId },
      ...{ accountGoldenIdColumn: 'touchstone_id', contactGoldenIdColumn: 'touchstone_id' },
      clientSecret: new Secret(clientSecret),
    }),
    // An account or contact that was merged into another one.
    isGone: (record) => record.merged === true,
  },
  {
    model: oracle,
    role: 'ERP',
    connection: ({ credentials: { baseUrl, username, password } }) => ({
      ...{ host: 'unused.example', base: baseUrl, user: username },
      ...{ password: new Secret(password), perSecond: 10_000 },
    }),
    // A party that was merged into another one, or an order that was revised.
    isGone: (record) => record.PartyStatus === 'M' || record.StatusCode === 'DOO_REFERENCE',
  },
  {
    model: finance,
    role: 'ERP',
    // Small pages, so that a run has several.
    open: (_database, seed) => finance.open({ seed, limits: 'none', pageRowsMax: 15 }),
    connection: ({
      credentials: { environmentUrl, loginUrl, tenantId, clientId, clientSecret },
    }) => ({
      ...{
        environment: 'unused',
        base: environmentUrl,
        login: loginUrl,
        tenant: tenantId,
        clientId,
      },
      clientSecret: new Secret(clientSecret),
    }),
  },
  {
    model: netsuite,
    role: 'ERP',
    // Its queries run on Postgres.
    open: async (database, seed) => await netsuite.open({ seed, limits: 'none', database }),
    writesTexts: true,
    connection: ({
      credentials: { accountId = '', baseUrl, clientId, certificateId, privateKey },
    }) => ({
      ...{ account: accountId.toLowerCase().replace('_', '-'), base: baseUrl, clientId },
      ...{ certificateId, privateKey: new Secret(privateKey), concurrent: 10 },
      externalId: 'externalid',
    }),
  },
]

/** The kinds whose writes are judged. SAP's own server judges what is read of it (`sapService.test.ts`). */
export const KINDS_THAT_WRITE: readonly KindCase[] = [
  ...KINDS_WITH_MODELS,
  {
    model: sap,
    role: 'ERP',
    connection: ({ credentials: { baseUrl, username, password } }) => ({
      ...{ host: 'unused.example', base: baseUrl, user: username, goldenIdType: 'ZTOUCH' },
      ...{ password: new Secret(password), perSecond: 10_000 },
    }),
  },
]
