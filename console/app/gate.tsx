import { RouterProvider } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { useQuery } from '../graph/useQuery.ts'
import { FailureNote, Skeleton } from '../parts/states.tsx'
import { useSession } from '../session/session.ts'
import { ViewerDocument } from '../session/viewer.generated.ts'
import { SCOPES, type Viewer, ViewerContext } from '../session/viewer.ts'
import css from './gate.module.css'
import { router } from './router.tsx'
import { SignedOut } from './signedOut.tsx'

/**
 * Shows the screens to a caller whom the graph knows. Who is signed out meanwhile keeps the screen
 * as it is, with the sign-in above it: nothing that was entered is lost.
 */
export function Gate() {
  const { state, why } = useSession()
  const { data, failure, slow, again } = useQuery(
    ViewerDocument,
    // Signed out, it would only be refused, and the reason of the sign-out would be lost.
    state === 'SIGNED_IN' ? { scopes: SCOPES } : null,
  )
  const [viewer, setViewer] = useState<Viewer | null>(null)
  useEffect(() => {
    if (data?.viewer) setViewer(data.viewer)
  }, [data])
  if (viewer)
    return (
      <ViewerContext value={viewer}>
        <RouterProvider router={router} />
        {state === 'SIGNED_OUT' && <SignedOut why={why} again={again} over />}
      </ViewerContext>
    )
  if (state === 'SIGNED_OUT') return <SignedOut why={why} again={again} />
  return (
    <main className={css.page}>
      {failure ? <FailureNote failure={failure} again={again} /> : <Skeleton slow={slow} />}
    </main>
  )
}
