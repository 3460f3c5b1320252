import { FileError } from '../../connectors/file/fileError.ts'
import { FileChanged, type ListedFile } from '../../connectors/places/contract.ts'
import { parseManifest, type StatedFile } from '../../connectors/places/statedFile.ts'
import { type FileRunContext, fenced } from './context.ts'
import { addDelivery, type Delivery, loadLatest, type Shelf } from './deliveries.ts'
import { makeException } from './settle.ts'
import { readText } from './spool.ts'

export interface ManifestEntry extends StatedFile {
  seenAt: Date
}

/** The manifests of a place whose files are not all at their end. */
export interface Manifests {
  /** By the name of the file, with the time since which the manifest is there. */
  stated: ReadonlyMap<string, ManifestEntry>
  open: readonly { delivery: Delivery; file: ListedFile; names: readonly string[] }[]
}

/**
 * Reads the manifests that are new or whose files are not at their end. One that cannot be read is
 * refused, with an exception, once it is not written any more; the files that it names wait.
 */
export async function readManifests(
  context: FileRunContext,
  signal: AbortSignal,
): Promise<Manifests> {
  const { files, place, listed } = context
  const stated = new Map<string, ManifestEntry>()
  const open: { delivery: Delivery; file: ListedFile; names: string[] }[] = []
  const { manifest } = files
  if (!manifest) return { stated, open }
  const found = [...listed.values()].filter((f) => manifest(f.name) && !files.ignored(f.name))
  const shelf = manifestShelf(context.shelf)
  const known = await noteManifests(context, shelf, found)
  for (const file of found.sort((a, b) => a.modifiedAt - b.modifiedAt)) {
    const delivery = known.get(file.name)
    if (delivery?.state !== 'WAITING') continue
    try {
      const text = await readText(place, file, signal)
      if (text === null) throw new FileError('it is no text of at most 1 MB')
      const names = parseManifest(text)
      for (const [name, of] of names) stated.set(name, { ...of, seenAt: delivery.seenAt })
      open.push({ delivery, file, names: [...names.keys()] })
    } catch (e) {
      if (e instanceof FileChanged) continue
      if (!(e instanceof FileError)) throw e
      if (Date.now() - delivery.seenAt.getTime() < files.stableMs) continue
      const finding = { code: 'FILE_REFUSED', detail: e.message }
      await fenced(context, async (tx) => {
        const exceptionId = await makeException(tx, context, delivery, finding)
        await tx`
          update file_delivery set state = 'REFUSED', code = ${finding.code}, detail = ${finding.detail},
            exception_id = ${exceptionId}, ended_at = clock_timestamp(), move = ${files.errors === null ? null : 'ERRORS'}
          where id = ${delivery.id} and state = 'WAITING'`
      })
    }
  }
  return { stated, open }
}

export function manifestShelf({ source, place }: Shelf): Shelf {
  return { source, object: '', place }
}

/** Notes new manifests and returns all, by name. Runs of several objects may do so at once. */
async function noteManifests(
  context: FileRunContext,
  shelf: Shelf,
  found: readonly ListedFile[],
): Promise<Map<string, Delivery>> {
  return await fenced(context, async (tx) => {
    await tx`select pg_advisory_xact_lock(hashtextextended(${`manifests ${shelf.source}`}, 0))`
    const known = await loadLatest(
      tx,
      shelf,
      found.map((f) => f.name),
    )
    for (const file of found) {
      const before = known.get(file.name)
      if (before?.stamp === file.stamp && before.bytes === file.bytes) continue
      // A manifest that is moved at the moment is no new one.
      if (before?.move && !before.movedAt && before.stamp === file.stamp) continue
      if (before?.state === 'WAITING') {
        await tx`
          update file_delivery set stamp = ${file.stamp}, bytes = ${file.bytes}, modified_at = ${new Date(file.modifiedAt)},
            seen_at = clock_timestamp() where id = ${before.id}`
        known.set(file.name, {
          ...before,
          stamp: file.stamp,
          bytes: file.bytes,
          seenAt: new Date(),
        })
      } else
        known.set(
          file.name,
          await addDelivery(tx, shelf, file.name, file, null, (before?.version ?? 0) + 1),
        )
    }
    return known
  })
}

/** Ends the manifests whose files are all at their end, whatever object they have. */
export async function settleManifests(
  context: FileRunContext,
  { open, stated }: Manifests,
): Promise<void> {
  const { files, shelf } = context
  for (const { delivery, names } of open)
    await fenced(context, async (tx) => {
      const [row] = await tx<{ left: number }[]>`
        select count(*)::int as left
        from unnest(${names}::text[], ${names.map((n) => stated.get(n)?.sha256 ?? null)}::text[]) as n (name, sha256)
        where not exists (
          select from file_delivery d
          where d.source = ${shelf.source} and d.place = ${shelf.place} and d.object = any(${[...files.objects.keys()]}::text[])
            and d.name = n.name and d.state in ('DONE', 'REFUSED')
            and (d.ended_at > ${delivery.seenAt} or d.sha256 = n.sha256)
            and d.version = (select max(version) from file_delivery v
              where v.source = d.source and v.object = d.object and v.place = d.place and v.name = d.name))`
      const mine = names.filter((name) =>
        [...files.objects.values()].some((o) => o.pattern.match(name) !== null),
      )
      // A name that fits no object is never read; the run reports it.
      if ((row?.left ?? 0) > names.length - mine.length) return
      await tx`
        update file_delivery set state = 'DONE', ended_at = clock_timestamp(), move = ${files.archive === null ? null : 'ARCHIVE'}
        where id = ${delivery.id} and state = 'WAITING'`
    })
}
