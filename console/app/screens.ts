import type { ComponentType } from 'react'
import type { RootField } from '../session/viewer.ts'

/** A screen of the console. A new one is a folder with a component `Screen`, and an entry here. */
export interface Screen {
  /** Path below /console, with parameters as `$id`. */
  path: string
  name: string
  /** The letter after `g`. Without it the screen is reached from others only. */
  letter?: string
  /** The root field without which it shows nothing: its scopes decide whether it can be opened. */
  needs: RootField
  load: () => Promise<{ Screen: ComponentType }>
}

export const SCREENS: readonly Screen[] = [
  {
    path: '/queue',
    name: 'Queue',
    letter: 'q',
    needs: 'Query.tasks',
    load: () => import('../queue/queue.tsx'),
  },
  {
    path: '/approvals',
    name: 'Approvals',
    letter: 'p',
    needs: 'Query.stewardActions',
    load: () => import('../approvals/approvals.tsx'),
  },
  {
    path: '/actions',
    name: 'Actions',
    letter: 'a',
    needs: 'Query.stewardActions',
    load: () => import('../actions/actions.tsx'),
  },
  {
    path: '/decide/$id',
    name: 'Decision',
    needs: 'Query.task',
    load: () => import('../decide/decide.tsx'),
  },
  {
    path: '/record/$id',
    name: 'Golden record',
    needs: 'Query.node',
    load: () => import('../record/record.tsx'),
  },
  {
    path: '/search',
    name: 'Search',
    letter: 's',
    needs: 'Query.search',
    load: () => import('../search/search.tsx'),
  },
  {
    path: '/policy',
    name: 'Policy',
    letter: 'y',
    needs: 'Query.publications',
    load: () => import('../policy/policy.tsx'),
  },
  {
    path: '/health',
    name: 'Health',
    letter: 'h',
    needs: 'Query.serviceLevels',
    load: () => import('../health/health.tsx'),
  },
  {
    path: '/exceptions',
    name: 'Exceptions',
    letter: 'e',
    needs: 'Query.inboundExceptions',
    load: () => import('../exceptions/exceptions.tsx'),
  },
  {
    path: '/sources',
    name: 'Sources',
    letter: 'o',
    needs: 'Query.sourceSystems',
    load: () => import('../sources/sources.tsx'),
  },
]

export const FIRST_PATH = '/queue'
