import type { ErrorComponentProps } from '@tanstack/react-router'
import { Button } from '../parts/button.tsx'
import { Empty } from '../parts/states.tsx'

/** A fault of the console itself. The navigation stays. */
export function Broken({ error }: ErrorComponentProps) {
  // The console was built again, so that a part of the page that was open has another name.
  const isStale = /dynamically imported|Importing a module/i.test(error.message)
  return (
    <Empty title={isStale ? 'The console has a new version' : 'The console made a mistake'}>
      <p>{isStale ? 'Load the page again to use it.' : error.message} Nothing was changed.</p>
      <Button kind="MAIN" onPress={() => location.reload()}>
        Load the page again
      </Button>
    </Empty>
  )
}
