import { randomUUID } from 'node:crypto'
import type { NewChange } from '../../mdm/feed/append.ts'

/** Returns a version of a customer of ordinary size. */
export function change(goldenId: string, version: number): NewChange {
  return {
    goldenId,
    type: 'Customer',
    version,
    op: version === 1 ? 'CREATED' : 'UPDATED',
    values: {
      name: `Kunde ${goldenId.slice(0, 4)} Maschinenbau GmbH`,
      legalName: 'Kunde Maschinenbau GmbH & Co. KG',
      emails: ['info@kunde.example', 'einkauf@kunde.example'],
      billingAddress: {
        street: 'Hauptstraße 1',
        city: 'Hamburg',
        postcode: '20457',
        country: 'DE',
      },
      paymentTerms: `NET${30 + (version % 60)}`,
      currency: 'EUR',
    },
    provenance: { name: { r: [goldenId], u: 'SYSTEM_OF_RECORD' } },
    redirect: null,
    changed: ['paymentTerms'],
    members: [goldenId],
    policyVersion: 'bench',
    cause: {
      source: 'erp',
      object: 'customer',
      sourceId: goldenId,
      inboxId: version,
      correlationId: randomUUID(),
    },
  }
}
