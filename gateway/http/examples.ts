export interface Example {
  title: string
  query: string
}

/**
 * The operations that GraphiQL opens, each in its own tab. A test runs them all on the demo world.
 * The records that they name are in a demo world of any size.
 */
export const EXAMPLES: readonly Example[] = [
  {
    title:
      'Customers with everything around them, from every system at once; here three of the demo world.',
    query: `query Customer360 {
  customers(first: 3, filter: { source: { system: ["netsuite"], id: ["1032", "1040", "1224"] } }, orderBy: [{ field: NAME }]) {
    totalCount
    nodes {
      id
      name
      billingAddress { street postcode city country }
      contacts(first: 3) { nodes { name jobTitle emails } }
      contracts(first: 3) { nodes { number status value { decimal currency } endDate } }
      opportunities(first: 3) { nodes { name stage amount { decimal currency } } }
      invoices(first: 3, filter: { open: true }) { nodes { number dueDate balance { decimal currency } } }
      totals { openBalance { decimal currency } annualRecurringRevenue { decimal currency } }
      ledger { account balance { decimal currency } }
    }
  }
}`,
  },
  {
    title: 'Where each value comes from: source record, rule, and the values that lost.',
    query: `query Provenance {
  customers(first: 2, filter: { source: { system: ["salesforce"] } }) {
    nodes {
      name
      sourceRecords { nodes { system object sourceId versionAt } }
      provenance(fields: ["name", "billingAddress", "paymentTerms"]) {
        field
        value
        rule
        sourceRecords { nodes { system sourceId } }
        candidates { nodes { value verdict source { system } } }
      }
    }
  }
}`,
  },
  {
    title:
      'One golden record by the id that a source system knows; here one of the web shop in the demo world.',
    query: `query BySource($system: String = "webshop", $object: String = "customers", $id: String = "W100008") {
  customerBySource(system: $system, object: $object, id: $id) {
    id
    name
    aliases
    redirectedFrom
  }
}`,
  },
  {
    title: 'What has changed: the history of golden records, with what caused each version.',
    query: `query History {
  customers(first: 2, orderBy: [{ field: UPDATED_AT, direction: DESC }]) {
    nodes {
      name
      version
      history(first: 5) {
        nodes { version op at changedFields cause { system } }
      }
    }
  }
}`,
  },
  {
    title:
      'The change feed, live. Run it, then let something change: npx touchstone load, or a delivery to /ingest.',
    query: `subscription Changes {
  changes(types: [CUSTOMER]) {
    ... on Change {
      cursor
      op
      changedFields
      before
      after
      cause { system object }
      entity {
        ... on Customer { name invoices(first: 2) { nodes { number balance { decimal currency } } } }
      }
    }
    ... on CaughtUp { cursor }
    ... on Lagged { cursor }
  }
}`,
  },
  {
    title: 'Products and the contracts that sell them.',
    query: `query Contracts {
  contracts(first: 3, filter: { status: { eq: ACTIVE } }, orderBy: [{ field: NUMBER }]) {
    nodes {
      number
      customer { name }
      lines { product { name sku listPrice { decimal currency } } quantity unitPrice { decimal currency } }
      startDate
      endDate
      renewal
    }
  }
}`,
  },
  {
    title:
      'Why two records are one thing, and how a golden record came together; here records of the demo world.',
    query: `query Why($shop: ID = "b48da06b-fd29-8dc8-b8a7-614cf5cb88b8", $erp: ID = "990d3409-12a3-825e-b273-74234cc171c3") {
  explain(a: $shop, b: $erp) {
    verdict
    because
    weight
    probability
    threshold
    steps { comparison level m u adjustment weight total valuesA valuesB }
  }
  clusterStory(id: $shop) {
    members { nodes { system object sourceId } }
    joins { nodes { because sizeA sizeB weight link { a b weight } } }
    refusals(first: 3) { nodes { weight reason record { id } } }
    history(first: 5) { nodes { at op joined left system } }
  }
}`,
  },
  {
    title:
      'A correction by a steward, on a customer of the demo world. If the result is a conflict, put its version into $version.',
    query: `mutation Override($id: ID! = "5324a1ff-a45b-8ec3-8246-f776de673fb2", $version: Int! = 1) {
  overrideField(
    input: { record: { id: $id, version: $version }, field: "paymentTerms", value: "NET45" }
    reason: "Agreed by phone"
    idempotencyKey: "example-override-1"
  ) {
    __typename
    ... on ActionDone { action { id } }
    ... on ActionConflict { current { id version } }
    ... on ApprovalNeeded { action { id } }
    ... on ActionRefused { rule detail }
  }
}`,
  },
  {
    title: 'Takes an action of a steward back. Put the id of the action above into $action.',
    query: `mutation Undo($action: ID! = "0") {
  undoAction(action: $action, reason: "Only an example", idempotencyKey: "example-undo-1") {
    __typename
    ... on ActionDone { action { id } }
    ... on ActionConflict { current { id version } }
    ... on ActionRefused { rule detail }
  }
}`,
  },
]
