import { useUrlState } from '../app/urlState.ts'
import { GOLDEN_TYPES } from '../graph/goldenTypes.generated.ts'
import { Button } from '../parts/button.tsx'
import { useKeys } from '../parts/keys.ts'
import { Panes } from '../parts/panes.tsx'
import { Levels } from './levels.tsx'
import { Opinions } from './opinions.tsx'
import { Quality } from './quality.tsx'
import { healthState, PART_NAMES, PARTS } from './state.ts'
import { Stewards } from './stewards.tsx'

/** Whether promises are kept, how good the data is, and how the work goes. */
export function Screen() {
  const [state, change] = useUrlState(healthState)
  useKeys(
    'Health',
    PARTS.map((part, n) => ({
      key: `${n + 1}`,
      name: PART_NAMES[part],
      run: () => change({ part }),
    })),
  )
  const type = GOLDEN_TYPES.find((t) => t.name === state.type) ?? GOLDEN_TYPES[0]
  return (
    <Panes
      title="Health"
      head={PARTS.map((part, n) => (
        <Button
          key={part}
          keyHint={`${n + 1}`}
          pressed={state.part === part}
          onPress={() => change({ part })}
        >
          {PART_NAMES[part]}
        </Button>
      ))}
      first={
        state.part === 'levels' ? (
          <Levels />
        ) : state.part === 'quality' ? (
          <Quality type={type?.name ?? ''} onType={(name) => change({ type: name })} />
        ) : state.part === 'stewards' ? (
          <Stewards />
        ) : (
          <Opinions />
        )
      }
    />
  )
}
