import { spelling } from './text.ts'

/**
 * Each line is a man's name with the women's names that differ from it by an ending. They look like
 * typing errors of one name and are names of two people.
 */
const PAIRS = `
adrian adriana adriane
alan alana
albert alberta
aleksander aleksandra
aleksandr aleksandra
alexander alexandra
alexandre alexandra
alfred alfreda
andre andrea
andreas andrea
andrej andreja
anton antonia antonie
antoine antonia
august augusta
augustin augustina
bogdan bogdana
bojan bojana
carl carla carola
cedric cedrica
charles charlene
christian christiana christiane christina christine
claude claudia claudine
clement clementine
dan dana
daniel daniela danielle daniella
davor davorka
denis denise denisa
dennis denise
dominic dominica
dominik dominika
dragan dragana
emanuel emanuela
emil emilia emilie
eric erica
erich erika
erik erika
eugen eugenia eugenie
fabian fabiana fabienne
felix felicia
florian floriane
franz franzi
frederic frederica frederique
frederik frederika frederike
friedrich friederike
gabriel gabriela gabriele gabriella gabrielle
georg georgia georgina
goran gorana
hans hanna hanne
heinrich heinrike henrike
hendrik hendrika
henrik henrike henrika
ivan ivana
jakob jakoba
jan jana
jean jeanne jeanine
joel joelle
johann johanna
johannes johanna
josef josefa josefine
joseph josepha josephine
julian julia juliana juliane
julien julienne
julius julia
justin justina justine
kamil kamila
karl karla
karol karola karolina
konstantin konstantina
kristian kristiana kristina kristine
laurent laurence
leo lea
leon leona leonie
leonard leonarda
louis louisa louise
lucian luciana
lucien lucienne
luis luisa luise
manuel manuela
marcel marcela marcella marcelle
marian mariana
marius maria
martin martina martine
martyn martyna
max maxine
maximilian maximiliane maximiliana
michael michaela
michal michalina
michel michele michelle
milan milana milena
miroslav miroslava
nicolas nicola nicole
nikola nikolina
noel noelle
oleksandr oleksandra
oliver olivera olivia
pascal pascale
patric patricia
patrick patricia
patrik patricia patrizia
paul paula paulina pauline
peter petra
philip philippa
radoslav radoslava
rafael rafaela
raphael raphaela
rene renee
robert roberta
roland rolanda
roman romana
samuel samuela
sebastian sebastiana
silvan silvana
simon simona simone
stanislav stanislava
stefan stefana stefania stefanie
stephan stephanie
steven stevena
theodor theodora
tomas tomasa
ulrich ulrike
valentin valentina valentine
valerian valeriana
victor victoria
viktor viktoria
vincent vincenta
vivian viviana vivienne
vladislav vladislava
wilhelm wilhelma wilhelmine
yaroslav yaroslava
zoran zorana
`

const WOMEN_BY_MAN: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  PAIRS.trim()
    .split('\n')
    .map((line) => line.split(' ').map(spelling))
    .map(([man, ...women]) => [man!, new Set(women)]),
)

/** Stems of names in -o and -a ("mario", "maria") have this many letters or more. */
const STEM_LETTERS_MIN = 3

/**
 * Returns whether two given names that are written nearly alike belong to a man and a woman: "paul"
 * and "paula", "carlo" and "carla".
 */
export function isManAndWoman(a: string, b: string): boolean {
  if (WOMEN_BY_MAN.get(a)?.has(b) || WOMEN_BY_MAN.get(b)?.has(a)) return true
  return (
    a.length === b.length &&
    a.length > STEM_LETTERS_MIN &&
    a.slice(0, -1) === b.slice(0, -1) &&
    ((a.endsWith('o') && b.endsWith('a')) || (a.endsWith('a') && b.endsWith('o')))
  )
}
