import { cities, compound, type Locale, legalForms, list, streets } from './locale.ts'

const shared = {
  trunk: '0',
  houseNumberFirst: true,
  streetVariants: [
    [' Street', ' St'],
    [' Road', ' Rd'],
    [' Avenue', ' Ave'],
    [' Lane', ' Ln'],
    [' Drive', ' Dr'],
    [' Boulevard', ' Blvd'],
    [' Court', ' Ct'],
  ],
  women: list(
    'Alice Beatrice Catherine Deborah Eleanor Fiona Grace Heather Imogen Jennifer Katherine Laura Margaret Natalie Olivia Patricia Rebecca Susan Theresa Victoria Wendy Zoe Charlotte Elizabeth Priya Aisha Megan Abigail',
  ),
  men: list(
    'Adam Benjamin Charles Daniel Edward Francis Gregory Henry Ian James Kevin Lawrence Matthew Nicholas Oliver Peter Quentin Robert Samuel Thomas Victor William Xavier Alexander Christopher Michael Andrew Rajesh',
  ),
  surname: compound(
    list(
      'Alder Ash Bar Black Brad Bur Carl Chester Clay Cran Dal East Ed Fair Fen Gar Glen Gran Hal Hart Haw Hay Holm Kem King Lang Led Lin Mal Mar Mill Nor Oak Pen Rad Red Row Shel Stan Stock Thorn Wake Wal West Whit Win Wood',
    ),
    list(
      'bourne bridge brook bury by combe cote croft dale den dyke field ford gate grove ham hurst ington land leigh ley man mere more ridge shaw son stead stone ston ton ward water well wick wood worth',
    ),
  ),
  trades: list(
    'Engineering~Eng. Manufacturing~Mfg. Logistics Electronics Foods Packaging Software Consulting Instruments Plastics Textiles Furniture Printing Brewing Bakery Freight Builders Roofing Landscapes Dental_Care Pharmaceuticals~Pharma Optics Robotics Automotive Aviation Marine Interiors Lighting Kitchens Timber Steel Tools Chemicals~Chem. Media Publishing Recruitment Security_Systems Coffee_Roasters Property_Services Solar Analytics',
  ),
  and: '&',
  nicknames: {
    Robert: 'Bob',
    William: 'Bill',
    Elizabeth: 'Liz',
    Katherine: 'Kate',
    Michael: 'Mike',
    Thomas: 'Tom',
    Margaret: 'Peggy',
    Edward: 'Ted',
    Jennifer: 'Jen',
    Charles: 'Chuck',
    Christopher: 'Chris',
    Rebecca: 'Becky',
    Daniel: 'Dan',
    James: 'Jim',
    Benjamin: 'Ben',
    Samuel: 'Sam',
    Matthew: 'Matt',
    Andrew: 'Andy',
    Victoria: 'Vicky',
    Patricia: 'Pat',
  },
  salutations: ['Ms.', 'Mr.'],
  blanks: true,
  street: streets(
    [
      '@ Street',
      '@ Street',
      '@ Road',
      '@ Road',
      '@ Avenue',
      '@ Lane',
      '@ Drive',
      '@ Court',
      '@ Way',
      '@ Boulevard',
    ],
    list(
      'High Station Church Park Victoria Mill Queen King Albert Maple Oak Cedar Elm Bridge Market Castle Chapel Orchard Canal Quarry Wharf Foundry Harbour Lincoln Franklin Madison Walnut Chestnut Union Liberty Spring Hill Meadow Grove Commerce Industrial Kiln',
    ),
  ),
} satisfies Partial<Locale>

export const britain: Locale = {
  ...shared,
  country: 'GB',
  countryNames: ['United Kingdom', 'UK', 'England'],
  weight: 15,
  currency: 'GBP',
  tld: 'co.uk',
  dial: '44',
  subscriber: (area) => {
    if (area.length === 2) return area === '20' ? '7N######' : '20N#####'
    if (area.length === 4) return 'N#####'
    return area === '115' || area === '117' ? '9N#####' : '22#####'
  },
  mobile: '77N#9#####',
  forms: legalForms(
    'Ltd=Limited,Ltd.*68;PLC=plc,P.L.C.*6;LLP=L.L.P.*10;Holdings Ltd=Holdings Limited*6;Group Ltd=Group Limited*5;CIC=C.I.C.*5',
  ),
  freemail: ['gmail.com', 'btinternet.com', 'hotmail.co.uk', 'outlook.com'],
  registration: (random) => random.fill(random.chance(0.85) ? '0N######' : 'SC######'),
  cities: cities(`
    London|Greater London|EC#A #AA|20
    London|Greater London|SE# #AA|20
    Manchester|Greater Manchester|M# #AA|161
    Birmingham|West Midlands|B## #AA|121
    Leeds|West Yorkshire|LS# #AA|113
    Glasgow|Scotland|G# #AA|141
    Edinburgh|Scotland|EH# #AA|131
    Bristol|Bristol|BS# #AA|117
    Sheffield|South Yorkshire|S# #AA|114
    Cardiff|Wales|CF## #AA|29
    Nottingham|Nottinghamshire|!NG# #AA|115
    Leicester|Leicestershire|LE# #AA|116
    Norwich|Norfolk|!NR# #AA|1603
    Exeter|Devon|EX# #AA|1392
    York|North Yorkshire|YO# #AA|1904
    Oxford|Oxfordshire|OX# #AA|1865
    Cambridge|Cambridgeshire|CB# #AA|1223`),
}

export const america: Locale = {
  ...shared,
  country: 'US',
  countryNames: ['United States', 'USA', 'United States of America'],
  weight: 18,
  currency: 'USD',
  tld: 'com',
  dial: '1',
  trunk: '',
  subscriber: () => 'N##5###',
  mobile: '',
  forms: legalForms(
    'Inc.=Inc,Incorporated*42;LLC=L.L.C.,Llc*34;Corp.=Corporation,Corp*14;Co.=Company,Co*7;LP=L.P.*3',
  ),
  freemail: ['gmail.com', 'yahoo.com', 'aol.com', 'outlook.com'],
  registration: (random) => random.fill('NNN######'),
  cities: cities(`
    New York|NY|100##|212
    Brooklyn|NY|112##|718
    Buffalo|NY|142##|716
    Chicago|IL|606##|312
    Springfield|IL|627##|217
    Houston|TX|770##|713
    Austin|TX|787##|512
    Dallas|TX|752##|214
    Phoenix|AZ|850##|602
    Philadelphia|PA|191##|215
    Pittsburgh|PA|152##|412
    San Diego|CA|921##|619
    San Francisco|CA|941##|415
    Sacramento|CA|958##|916
    Seattle|WA|981##|206
    Portland|OR|972##|503
    Denver|CO|802##|303
    Boston|MA|021##|617
    Atlanta|GA|303##|404
    Miami|FL|331##|305
    Columbus|OH|432##|614
    Cleveland|OH|441##|216
    Minneapolis|MN|554##|612
    Milwaukee|WI|532##|414
    Nashville|TN|372##|615
    Charlotte|NC|282##|704`),
}
