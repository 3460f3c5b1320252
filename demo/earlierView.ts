import { type CustomerView, writtenAddress, writtenPhone } from './customerView.ts'
import { typo } from './dirt.ts'
import { slug } from './naming.ts'
import { random } from './random.ts'
import type { Customer, SourceName } from './truth.ts'

/**
 * Returns the record before its last change: another address if the customer moved, else another
 * phone number, uncorrected name or other payment terms. Undefined for records that never changed.
 */
export function earlierView(
  seed: number,
  customer: Customer,
  source: SourceName,
  copy: number,
  view: CustomerView,
): CustomerView | undefined {
  const draw = random(seed, 'earlier', source, customer.index, copy)
  if (customer.formerAddress && view.address && !view.dirt.has('moved') && draw.chance(0.7)) {
    return { ...view, address: writtenAddress(draw, customer, customer.formerAddress, new Set()) }
  }
  if (!draw.chance(0.14)) return undefined
  const choice = draw.next()
  if (choice < 0.35 && view.phone) {
    return {
      ...view,
      phone: writtenPhone(
        draw,
        source,
        { ...customer.phone, local: customer.phone.local.slice(0, -3) + draw.fill('###') },
        new Set(),
      ),
    }
  }
  if (choice < 0.7 && !view.person && typo(draw, view.name) !== view.name)
    return { ...view, name: typo(draw, view.name) }
  if (choice < 0.85 && view.email && customer.domain)
    return { ...view, email: `${slug(view.name, '').slice(0, 8) || 'old'}@${customer.domain}` }
  const terms = draw.pick(['Net 10', 'Net 20', 'Net 90'])
  return { ...view, terms }
}
