import type { ListedFile } from '../../connectors/places/contract.ts'
import { type FileRunContext, fenced } from './context.ts'
import { type Delivery, loadOpen, type Shelf } from './deliveries.ts'
import { companionsOf } from './readiness.ts'

/**
 * Moves what is at its end into the folders for it. A move follows the commit that decides it, and
 * is repeated after a crash. Marker and checksum file go first, because they serve as long as the
 * file is there.
 */
export async function moveEnded(
  context: FileRunContext,
  shelf: Shelf,
  signal: AbortSignal,
): Promise<void> {
  const open = await loadOpen(context.shared.sql, shelf)
  for (const delivery of open) {
    if (delivery.move === null || delivery.movedAt !== null) continue
    signal.throwIfAborted()
    await moveDelivery(context, delivery, signal)
  }
}

async function moveDelivery(
  context: FileRunContext,
  delivery: Delivery,
  signal: AbortSignal,
): Promise<void> {
  const { place, files, listed } = context
  const folder = delivery.move === 'ARCHIVE' ? files.archive : files.errors
  const file = listed.get(delivery.name)
  // Without a folder it stays; and what is not there any more, or is another one, was moved before.
  if (folder !== null && file && file.stamp === delivery.stamp) {
    const { marker, checksum } = companionsOf(context, file.name)
    for (const each of [marker, checksum, file])
      if (each && (await place.move(each, folder, spare(each, delivery), signal)) === 'MOVED')
        listed.delete(each.name)
  }
  await fenced(context, (tx) =>
    tx`update file_delivery set moved_at = clock_timestamp() where id = ${delivery.id}`.then(
      () => {},
    ),
  )
}

/** A name that no other delivery has: `customers~42.csv`. */
function spare({ name }: ListedFile, { id }: Delivery): string {
  const dot = name.indexOf('.', 1)
  return dot < 0 ? `${name}~${id}` : `${name.slice(0, dot)}~${id}${name.slice(dot)}`
}
