import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Navigate,
} from '@tanstack/react-router'
import { Empty, Skeleton } from '../parts/states.tsx'
import { Broken } from './broken.tsx'
import { FIRST_PATH, SCREENS } from './screens.ts'
import { Shell } from './shell.tsx'

const root = createRootRoute({
  component: Shell,
  errorComponent: Broken,
  notFoundComponent: () => (
    <Empty title="There is no such page">
      <p>Press g and then q for the queue, or ? for all keys.</p>
    </Empty>
  ),
})
const home = createRoute({
  getParentRoute: () => root,
  path: '/',
  component: () => <Navigate to={FIRST_PATH} replace />,
})
const screens = SCREENS.map(({ path, load }) =>
  createRoute({
    getParentRoute: () => root,
    path,
    component: lazyRouteComponent(load, 'Screen'),
    errorComponent: Broken,
    pendingComponent: () => <Skeleton rows={12} />,
    // A known layout is there within a frame; a spinner before would only flash.
    pendingMs: 100,
  }),
)

export const router = createRouter({
  routeTree: root.addChildren([home, ...screens]),
  basepath: '/console',
})
