import type { ErrorComponentProps } from '@tanstack/react-router'
import { Button } from '../parts/button.tsx'
import { Empty } from '../parts/states.tsx'

/** A fault of the console itself. The navigation stays. */
export function Broken({ error }: ErrorComponentProps) {
  const text = error instanceof Error ? error.message : String(error)
  // The console was built again, so that a part of the page that was open has another name.
  const isStale = /dynamically imported|Importing a module/i.test(text)
  return (
    <Empty title={isStale ? 'The console has a new version' : 'The console made a mistake'}>
      <p>{isStale ? 'Load the page again to use it.' : text} Nothing was changed.</p>
      <Button kind="MAIN" onPress={() => location.reload()}>
        Load the page again
      </Button>
    </Empty>
  )
}
