/** The kind of a HubSpot property. Every value travels as a string, whatever its kind. */
export type PropertyKind = 'string' | 'number' | 'bool' | 'date' | 'datetime'

export interface Property {
  name: string
  kind: PropertyKind
  /** Set by HubSpot alone. */
  readOnly: boolean
}

export interface ObjectType {
  /** The name in paths, in the plural. */
  name: string
  singular: string
  typeId: string
  /** The property that holds the time of creation. */
  created: string
  /** The property that holds the time of the last change. */
  modified: string
  /** The scope that a token needs to read it. */
  scope: string
  properties: ReadonlyMap<string, Property>
  /** Properties of an answer where the caller names none. */
  shown: readonly string[]
}

type Named = Partial<Record<PropertyKind, string>>

interface Described {
  singular: string
  typeId: string
  created?: 'createdate'
  modified?: 'lastmodifieddate'
  properties: Named
  shown: string
}

const KINDS = ['string', 'number', 'bool', 'date', 'datetime'] as const
/** The custom property that a new account has on each object: its values are unique. */
export const GOLDEN_ID = 'touchstone_id'
const OWN = `hubspot_owner_id ${GOLDEN_ID}`
const SOURCE = 'hs_object_source hs_object_source_id hs_object_source_label'

function objectType(name: string, described: Described): ObjectType {
  const created = described.created ?? 'hs_createdate'
  const modified = described.modified ?? 'hs_lastmodifieddate'
  const properties = new Map<string, Property>()
  const add = (names: string, kind: PropertyKind, readOnly: boolean) => {
    for (const each of names.split(/\s+/).filter(Boolean))
      properties.set(each, { name: each, kind, readOnly })
  }
  add(OWN, 'string', false)
  for (const kind of KINDS) add(described.properties[kind] ?? '', kind, false)
  add('hs_object_id', 'number', true)
  add(`hs_merged_object_ids ${SOURCE}`, 'string', true)
  add(`${created} ${modified}`, 'datetime', true)
  const shown = [...described.shown.split(/\s+/).filter(Boolean), created, modified, 'hs_object_id']
  return {
    name,
    singular: described.singular,
    typeId: described.typeId,
    created,
    modified,
    scope: name === 'products' || name === 'line_items' ? 'e-commerce' : `crm.objects.${name}.read`,
    properties,
    shown: shown.sort(),
  }
}

const ADDRESS = 'address address2 city state zip country'

/** The objects that an app can read here, with the properties of a new account. */
export const OBJECT_TYPES: readonly ObjectType[] = [
  objectType('companies', {
    singular: 'company',
    typeId: '0-2',
    created: 'createdate',
    properties: {
      string: `name domain website phone ${ADDRESS} hs_country_code industry type lifecyclestage
        description about_us founded_year timezone linkedin_company_page linkedinbio
        twitterhandle facebook_company_page hs_parent_company_id hs_additional_domains
        hs_lead_status hs_logo_url web_technologies hs_ideal_customer_profile
        hs_target_account vat_number registration_number`,
      number: `numberofemployees annualrevenue total_revenue total_money_raised
        num_associated_contacts num_associated_deals hs_num_open_deals hs_num_child_companies`,
      bool: 'is_public hs_is_target_account',
      datetime: 'closedate first_contact_createdate hs_lastactivitydate notes_last_updated',
    },
    shown: 'domain name',
  }),
  objectType('contacts', {
    singular: 'contact',
    typeId: '0-1',
    created: 'createdate',
    modified: 'lastmodifieddate',
    properties: {
      string: `email firstname lastname salutation jobtitle job_function seniority phone
        mobilephone fax company website ${ADDRESS} hs_country_region_code lifecyclestage
        hs_lead_status hs_language hs_timezone hs_email_domain hs_additional_emails
        hs_calculated_merged_vids hs_linkedin_url associatedcompanyid industry
        date_of_birth gender numemployees annualrevenue hs_persona`,
      number: 'hubspotscore num_associated_deals num_notes recent_deal_amount total_revenue',
      bool: 'hs_email_optout hs_is_unworked hs_marketable_status',
      datetime: 'closedate hs_lastactivitydate notes_last_updated first_deal_created_date',
    },
    shown: 'email firstname lastname',
  }),
  objectType('products', {
    singular: 'product',
    typeId: '0-7',
    created: 'createdate',
    properties: {
      string: `name description hs_sku hs_product_type hs_recurring_billing_period
        recurringbillingfrequency hs_url hs_images hs_pricing_model hs_status
        hs_product_classification hs_bundle_id`,
      number: `price hs_price_eur hs_price_usd hs_price_gbp hs_cost_of_goods_sold tax
        hs_folder_id`,
    },
    shown: 'description name price',
  }),
  objectType('line_items', {
    singular: 'line_item',
    typeId: '0-8',
    created: 'createdate',
    properties: {
      string: `name description hs_product_id hs_sku hs_line_item_currency_code
        recurringbillingfrequency hs_recurring_billing_period hs_product_type
        hs_billing_start_delay_type hs_external_id hs_tax_rate_group_id`,
      number: `quantity price amount discount hs_discount_percentage hs_cost_of_goods_sold
        hs_term_in_months hs_tcv hs_acv hs_arr hs_mrr hs_margin hs_pre_discount_amount
        hs_post_tax_amount hs_tax_amount hs_tax_rate hs_total_discount hs_effective_unit_price
        hs_position_on_quote hs_recurring_billing_number_of_payments tax`,
      bool: 'hs_auto_renew hs_allow_buyer_selected_quantity',
      date: 'hs_recurring_billing_start_date hs_recurring_billing_end_date',
    },
    shown: 'hs_product_id quantity',
  }),
  objectType('deals', {
    singular: 'deal',
    typeId: '0-3',
    created: 'createdate',
    properties: {
      string: `dealname dealstage pipeline deal_currency_code dealtype description hs_priority
        hs_next_step closed_lost_reason closed_won_reason hs_forecast_category
        hs_manual_forecast_category hs_analytics_source hs_primary_associated_company
        hs_all_owner_ids hs_campaign`,
      number: `amount amount_in_home_currency hs_deal_stage_probability hs_forecast_amount
        hs_forecast_probability hs_tcv hs_acv hs_arr hs_mrr hs_closed_amount
        hs_projected_amount days_to_close num_associated_contacts hs_exchange_rate`,
      bool: 'hs_is_closed hs_is_closed_won hs_is_closed_lost hs_is_deal_split',
      datetime: `closedate hs_closed_won_date engagements_last_meeting_booked
        hs_lastactivitydate notes_last_updated`,
    },
    shown: 'amount closedate dealname dealstage pipeline',
  }),
  objectType('quotes', {
    singular: 'quote',
    typeId: '0-14',
    properties: {
      string: `hs_title hs_status hs_currency hs_quote_number hs_terms hs_comments hs_language
        hs_locale hs_public_url_key hs_quote_link hs_pdf_download_link hs_template_type
        hs_sender_company_name hs_sender_company_domain hs_sender_email hs_sender_firstname
        hs_sender_lastname hs_timezone hs_payment_type`,
      number: `hs_quote_amount hs_quote_total_preference hs_tcv hs_tax_total`,
      bool: 'hs_esign_enabled hs_payment_enabled hs_slug_enabled',
      datetime: 'hs_expiration_date hs_sign_date hs_esign_date hs_published_date',
    },
    shown: 'hs_expiration_date hs_public_url_key hs_status hs_title',
  }),
  objectType('orders', {
    singular: 'order',
    typeId: '0-123',
    properties: {
      string: `hs_order_name hs_external_order_id hs_external_order_status hs_external_order_url
        hs_currency_code hs_order_note hs_fulfillment_status hs_payment_status hs_source_store
        hs_pipeline hs_pipeline_stage hs_tags hs_buyer_accepts_marketing
        hs_billing_address_name hs_billing_address_firstname hs_billing_address_lastname
        hs_billing_address_email hs_billing_address_phone hs_billing_address_street
        hs_billing_address_city hs_billing_address_state hs_billing_address_postal_code
        hs_billing_address_country hs_shipping_address_name hs_shipping_address_street
        hs_shipping_address_city hs_shipping_address_state hs_shipping_address_postal_code
        hs_shipping_address_country hs_shipping_tracking_number hs_shipping_status_url
        hs_cancellation_reason hs_payment_processing_method`,
      number: `hs_total_price hs_subtotal_price hs_order_discount hs_tax hs_shipping_cost
        hs_refund_amount hs_homecurrency_amount hs_exchange_rate`,
      bool: 'hs_processed_online',
      datetime: `hs_external_created_date hs_processed_date hs_cancelled_date
        hs_fulfillment_date`,
    },
    shown: '',
  }),
  objectType('invoices', {
    singular: 'invoice',
    typeId: '0-53',
    properties: {
      string: `hs_title hs_number hs_invoice_status hs_currency hs_purchase_order_number
        hs_comments hs_terms hs_language hs_locale hs_billing_address hs_invoice_link
        hs_pdf_download_link hs_recipient_company_address hs_recipient_company_city
        hs_recipient_company_country hs_recipient_company_zip hs_recipient_shipping_country
        hs_sender_company_name hs_sender_company_domain hs_external_invoice_id
        hs_invoice_payment_collection_method hs_invoice_source hs_collection_process
        hs_invoice_latest_company_id hs_invoice_latest_contact_id hs_tax_id`,
      number: `hs_amount_billed hs_amount_paid hs_balance_due hs_subtotal hs_tax
        hs_discount hs_days_overdue hs_homecurrency_amount hs_exchange_rate`,
      bool: 'hs_partial_payments hs_allowed_payment_methods_enabled',
      date: 'hs_invoice_date hs_due_date',
      datetime: 'hs_payment_date hs_draft_date hs_open_date hs_paid_date hs_voided_date',
    },
    shown: '',
  }),
  objectType('subscriptions', {
    singular: 'subscription',
    typeId: '0-69',
    properties: {
      string: `hs_name hs_status hs_subscription_status hs_currency_code
        hs_recurring_billing_frequency hs_recurring_billing_terms hs_collection_process
        hs_customer_email hs_contact_name hs_external_subscription_id hs_invoice_creation
        hs_payment_method hs_cancellation_reason`,
      number: `hs_recurring_revenue hs_next_payment_amount hs_last_payment_amount
        hs_completed_payments hs_number_of_completed_payments hs_mrr hs_arr hs_tcv
        hs_recurring_billing_number_of_payments`,
      bool: 'hs_automatic_renewal',
      date: `hs_recurring_billing_start_date hs_recurring_billing_end_date
        hs_next_payment_due_date hs_last_payment_date hs_cancelled_date hs_start_date
        hs_end_date`,
    },
    shown: '',
  }),
  objectType('commerce_payments', {
    singular: 'commerce_payment',
    typeId: '0-101',
    properties: {
      string: `hs_latest_status hs_currency_code hs_payment_id hs_payment_method_type
        hs_payment_type hs_processor_type hs_payment_source_name hs_payment_source_url
        hs_customer_email hs_reference_number hs_external_reference_id
        hs_billing_address_street hs_billing_address_city hs_billing_address_postal_code
        hs_billing_address_country hs_internal_comment`,
      number: `hs_initial_amount hs_net_amount hs_refunds_amount hs_fees_amount
        hs_disputed_amount hs_tax_amount`,
      datetime: 'hs_initiated_date hs_payout_date hs_latest_refund_date',
    },
    shown: '',
  }),
]

const byName = new Map<string, ObjectType>(
  OBJECT_TYPES.flatMap((type) =>
    [type.name, type.singular, type.typeId].map((name) => [name, type] as const),
  ),
)

/** Returns an object type by its plural, its singular or its type id, as HubSpot's paths accept. */
export const findObjectType = (name: string): ObjectType | undefined => byName.get(name)
