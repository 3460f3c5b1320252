import { Empty } from '../parts/states.tsx'

export function Screen() {
  return <Empty title="Not here yet" />
}
