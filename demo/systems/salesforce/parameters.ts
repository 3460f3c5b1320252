import { Query } from '../kit/query.ts'
import type { Received } from '../kit/server.ts'
import { refused } from './errors.ts'

export const queryOf = (request: Received) =>
  new Query(request.query, (name, problem) =>
    refused(400, 'INVALID_PARAMETER', `parameter ${name} is ${problem}`, problem === 'unknown'),
  )
