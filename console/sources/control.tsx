import { Button } from '../parts/button.tsx'
import { ReasonForm } from '../parts/reasonForm.tsx'
import { Time } from '../parts/time.tsx'
import { counted } from '../parts/valueText.ts'
import { actOnPulls, type SyncAct } from './acts.ts'
import { type Entry, objectsOf } from './entries.ts'
import css from './sources.module.css'

export const ACTS: readonly { act: SyncAct; key: string; verb: string }[] = [
  { act: 'RUN', key: 'n', verb: 'Read now' },
  { act: 'RESUME', key: 's', verb: 'Start' },
  { act: 'PAUSE', key: 'p', verb: 'Pause' },
  { act: 'RESCAN', key: 'Shift+R', verb: 'Read all again' },
  { act: 'CENSUS', key: 'c', verb: 'Find deleted records' },
]

/** Returns why an act on a row would change nothing, or may not be done; null if it can. */
export function refusalOf(act: SyncAct, entry: Entry, refusal: string | null): string | null {
  if (refusal !== null) return refusal
  const objects = objectsOf(entry)
  if (objects.length === 0)
    return entry.system &&
      (entry.system.intake.includes('CONNECTION') || entry.system.intake.includes('FILES'))
      ? 'Nothing of it was read yet: wait for its first run'
      : 'It only sends: it is not asked, so there is nothing to start or stop'
  const all = (of: (o: (typeof objects)[number]) => boolean) => objects.every(of)
  switch (act) {
    case 'PAUSE':
      return all((o) => o.state === 'PAUSED') ? 'It is paused already' : null
    case 'RESUME':
      return all((o) => o.state !== 'PAUSED' && o.state !== 'FAILED')
        ? 'It is not paused, and nothing failed'
        : null
    case 'RUN':
      if (all((o) => o.state === 'PAUSED')) return 'It is paused: start it first'
      return all((o) => o.reading || o.requested === 'RUN') ? 'It is being read now' : null
    case 'RESCAN':
      return all((o) => o.state === 'RESCAN') ? 'It is being read as a whole already' : null
    case 'CENSUS':
      if (entry.object === null) return 'Choose one of its objects first'
      if (entry.system && !entry.system.intake.includes('CONNECTION'))
        return 'Its records come from files: there is no list of all of them'
      if (entry.object.state === 'PAUSED') return 'It is paused: start it first'
      return entry.object.requested === 'CENSUS' ? 'One will be taken already' : null
  }
}

/** The buttons of what can be done about the pulls of a row. */
export function Controls({
  entry,
  refusal,
  prepare,
}: {
  entry: Entry
  refusal: string | null
  prepare: (act: SyncAct) => void
}) {
  return (
    <div className={css.line}>
      {ACTS.map(({ act, key, verb }) => (
        <Button
          key={act}
          keyHint={key === 'Shift+R' ? 'R' : key}
          refusal={refusalOf(act, entry, refusal)}
          onPress={() => prepare(act)}
        >
          {verb}
        </Button>
      ))}
    </div>
  )
}

const REASONS: Record<SyncAct, readonly string[]> = {
  RUN: ['What changed is needed now'],
  RESUME: ['The cause is gone', 'The maintenance is over'],
  PAUSE: ['Maintenance of the source system', 'It reads what is not wanted'],
  RESCAN: ['Records were corrected without a new time', 'The mapping reads more fields now'],
  CENSUS: ['Records were deleted in the source system'],
}

/** Says what an act does, asks for a reason and does it. */
export function ControlForm({
  act,
  entry,
  refusal,
  onClose,
  onDone,
}: {
  act: SyncAct
  entry: Entry
  refusal: string | null
  onClose: () => void
  onDone: () => void
}) {
  const { verb } = ACTS.find((a) => a.act === act) ?? { verb: act }
  return (
    <ReasonForm
      title={`${verb}: ${entry.key}`}
      consequence={<Consequence act={act} entry={entry} />}
      verb={verb}
      reasons={REASONS[act]}
      refusal={refusalOf(act, entry, refusal)}
      send={async (reason, key) => {
        const isDone = await actOnPulls(act, entry, reason, key)
        if (isDone) onDone()
        return isDone
      }}
      onClose={onClose}
    />
  )
}

function Consequence({ act, entry }: { act: SyncAct; entry: Entry }) {
  const objects = objectsOf(entry)
  const it = entry.object ? entry.object.object : `each of its ${counted(objects.length, 'object')}`
  const rows = objects.reduce((sum, o) => sum + o.rows, 0)
  const reading = objects.filter((o) => o.reading).length
  const position = entry.object?.positionAt
  switch (act) {
    case 'PAUSE':
      return (
        <p>
          Nothing of {it} is read until a person starts it again.{' '}
          {reading > 0 &&
            'The run under way ends: its last page is not stored, and is read later. '}
          What the system sends by itself is still accepted.
          {entry.object?.positionExpiresAt && (
            <>
              {' '}
              The system stores changes for a limited time: after a pause beyond{' '}
              <Time at={entry.object.positionExpiresAt} /> everything is read again.
            </>
          )}
        </p>
      )
    case 'RESUME':
      return (
        <p>
          {it} is read again at once, from where it stopped
          {position && (
            <>
              {' '}
              (<Time at={position} />)
            </>
          )}
          . Attempts that failed count no more.
        </p>
      )
    case 'RUN':
      return (
        <p>
          What changed in {it} is read now, and not when the next run is due. It uses requests of
          the system’s limits. Paused objects are not read.
        </p>
      )
    case 'RESCAN':
      return (
        <p>
          The position of {it} is forgotten, and every row is read again
          {rows > 0 && ` (${counted(rows, 'row')} so far)`}. Rows that are known already become no
          messages, and nothing is deleted. It uses requests of the system’s limits.{' '}
          {reading > 0 && 'The run under way ends.'}
        </p>
      )
    case 'CENSUS':
      return (
        <p>
          The ids of all rows are read. Records that the system no longer lists are deleted here,{' '}
          {entry.object?.censusMissing
            ? `at most ${counted(entry.object.censusMissing, 'record')}`
            : 'at most as many as its settings allow'}
          . If there are more, none is deleted and it asks.
        </p>
      )
  }
}
