type Fields = Record<string, unknown>

/** Who makes a write: a user of the system, its API, or a rule of the system. */
export type Writer = 'user' | 'api' | 'automation'

/** Who makes a write; `cause` is who made the write that an automation follows. */
export interface Who {
  by: Writer
  cause: 'user' | 'api'
}

export interface WrittenAt extends Who {
  id: string
  now: number
  /** Absent at the creation of the record. */
  before: Fields | undefined
}

export interface Written {
  object: string
  id: string
  action: 'created' | 'updated' | 'deleted'
  record: Fields
  before: Fields | undefined
}

/** A write that a system accepted. */
export interface Write {
  object: string
  id: string
  action: 'created' | 'updated' | 'deleted'
  by: Writer
  /** For an automation, who made the write that it follows; else the same as `by`. */
  cause: 'user' | 'api'
  /** The fields that were given, in the form of `put`. Empty for a delete. */
  fields: Fields
  /** Milliseconds since 1970. */
  at: number
  /** Method and path of the request, for writes of the API and what follows them. */
  request?: string
}

/**
 * A rule of the system, as a workflow or a trigger is. It sees the record as `state` has it after a
 * write, and returns the fields that it sets, in the form of `put`; undefined changes nothing.
 */
export type Automation = (record: Fields, write: Write) => Fields | undefined

/** A value that the field cannot have. */
export class WrongValue extends Error {
  readonly field: string
  readonly value: unknown
  /** The kind or form of the field's values. */
  readonly expected: string
  constructor(object: string, field: string, value: unknown, expected: string) {
    super(`${object}.${field}: ${JSON.stringify(value)} is no ${expected}`)
    this.field = field
    this.value = value
    this.expected = expected
  }
}

/** A value that another record has in a field whose values are unique. */
export class NotUnique extends Error {
  readonly object: string
  readonly field: string
  readonly value: string
  /** The record that has the value. */
  readonly id: string
  constructor(object: string, field: string, value: string, id: string) {
    super(`${object}.${field}: "${value}" is the value of ${id} already`)
    this.object = object
    this.field = field
    this.value = value
    this.id = id
  }
}
