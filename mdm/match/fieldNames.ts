import { isInherited } from '../../schema/kit/dictionary.ts'
import { fold } from '../standardise/text.ts'

const NONE: ReadonlySet<string> = new Set()
const VALID = /^(?!__)[A-Za-z_][A-Za-z0-9_]*$/

/**
 * Names the fields of a model after the columns of files. A name that GraphQL accepts stays;
 * "E-Mail (privat)" becomes e_mail_privat. The same columns in the same order get the same names.
 */
export class FieldNames {
  private readonly fields = new Map<string, string>()
  private readonly columns = new Map<string, string>()

  /**
   * Returns the names of the fields of a table's columns. A column whose name is valid keeps it,
   * even if a column before it would get that name.
   */
  fieldsOf(columns: readonly string[]): string[] {
    if (columns.some((column) => !this.fields.has(column))) {
      const kept = new Set(columns.filter(isFieldName))
      for (const column of columns) this.nameField(column, kept)
    }
    return columns.map((column) => this.fieldOf(column))
  }

  /** Returns whether each of these columns is known and has the field of its own name. */
  stay(columns: readonly string[]): boolean {
    return columns.every((column) => this.fields.get(column) === column)
  }

  /** Returns the name of the field of a column; no two columns have one field. */
  fieldOf(column: string): string {
    return this.fields.get(column) ?? this.nameField(column, NONE)
  }

  private nameField(column: string, kept: ReadonlySet<string>): string {
    const known = this.fields.get(column)
    if (known !== undefined) return known
    const name = isFieldName(column) ? column : validName(column)
    const isTaken = (field: string) =>
      this.columns.has(field) || (field !== column && kept.has(field))
    let field = name
    for (let n = 2; isTaken(field); n++) field = `${name}_${n}`
    this.fields.set(column, field)
    this.columns.set(field, column)
    return field
  }

  /** Returns the column that a field is named after. */
  columnOf(field: string): string {
    return this.columns.get(field) ?? field
  }

  /** Returns the fields in the order in which their columns were named. */
  all(): string[] {
    return [...this.columns.keys()]
  }
}

/** Returns whether a model can have a field of this name. */
function isFieldName(name: string): boolean {
  return VALID.test(name) && !isInherited(name)
}

function validName(column: string): string {
  const words = fold(column).match(/[a-z0-9]+/g) ?? ['column']
  const name = words.join('_').slice(0, 60)
  const named = /^\d/.test(name) ? `_${name}` : name
  return isFieldName(named) ? named : `${named}_`
}
