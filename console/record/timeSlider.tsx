import { useEffect, useId, useState } from 'react'
import { useQuery } from '../graph/useQuery.ts'
import { Button } from '../parts/button.tsx'
import { Time } from '../parts/time.tsx'
import { momentOf, presentId } from './history.tsx'
import css from './record.module.css'
import type { ShownRecord } from './useRecord.ts'

interface TimeSliderProps {
  shown: ShownRecord
  asOf: string | undefined
  onMove: (asOf: string | undefined) => void
}
/** Moving the slider asks once it rests. */
const settleMs = 120

/** Moves through the versions in time. Everything above is as of the version then. */
export function TimeSlider({ shown, asOf, onMove }: TimeSliderProps) {
  const id = useId()
  const { record, operations } = shown
  const present = presentId(record.id)
  const { data } = useQuery(operations.history, { id: present })
  const versions = (data?.node?.history.nodes ?? []).toReversed()
  const last = versions.length - 1
  const found =
    asOf === undefined ? last : versions.findLastIndex((v) => Date.parse(v.at) <= Date.parse(asOf))
  const [at, setAt] = useState<number | null>(null)
  const index = at ?? Math.max(0, found)
  useEffect(() => {
    if (at === null) return
    const timer = setTimeout(() => {
      const version = versions[at]
      onMove(at === last || !version ? undefined : momentOf(version))
      setAt(null)
    }, settleMs)
    return () => clearTimeout(timer)
  })
  const version = versions[index]
  if (!version || last < 1) return null
  return (
    <div className={css.slider} data-past={asOf !== undefined || undefined}>
      <label htmlFor={id}>
        Version {version.version} of {versions[last]?.version}, <Time at={version.at} />
      </label>
      <input
        id={id}
        type="range"
        min={0}
        max={last}
        value={index}
        aria-valuetext={`version ${version.version}`}
        onChange={(e) => setAt(Number(e.target.value))}
      />
      {asOf !== undefined && <Button onPress={() => onMove(undefined)}>Back to now</Button>}
    </div>
  )
}
