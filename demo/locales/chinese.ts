import { cities, type Locale, legalForms, list, streets } from './locale.ts'

const surnames = list(
  '王|Wang 李|Li 张|Zhang 刘|Liu 陈|Chen 杨|Yang 赵|Zhao 黄|Huang 周|Zhou 吴|Wu 徐|Xu 孙|Sun 马|Ma 朱|Zhu 胡|Hu 林|Lin 郭|Guo 何|He 高|Gao 罗|Luo 郑|Zheng 梁|Liang 谢|Xie 宋|Song 唐|Tang 许|Xu 邓|Deng 冯|Feng 韩|Han 曹|Cao',
)
const bright = list(
  '华|Hua 兴|Xing 金|Jin 海|Hai 天|Tian 龙|Long 盛|Sheng 恒|Heng 宏|Hong 瑞|Rui 泰|Tai 鑫|Xin 永|Yong 嘉|Jia 安|An 达|Da 康|Kang 博|Bo 远|Yuan 明|Ming 佳|Jia 润|Run 凯|Kai 德|De 诚|Cheng 辉|Hui 通|Tong 信|Xin 和|He 隆|Long 腾|Teng 星|Xing 科|Ke 东|Dong 新|Xin 锦|Jin',
)
const half = (text: string) => text.split('|') as [string, string]

export const china: Locale = {
  country: 'CN',
  countryNames: ['China', '中国'],
  weight: 2,
  currency: 'CNY',
  tld: 'cn',
  dial: '86',
  trunk: '0',
  subscriber: (area) => (area.length === 2 ? '6N######' : '8#######'),
  mobile: '138########',
  houseNumberFirst: true,
  streetVariants: [
    [' Road', ' Rd.'],
    [' Road', ' Lu'],
  ],
  women: list(
    '芳|Fang 娜|Na 敏|Min 静|Jing 丽娟|Lijuan 晓红|Xiaohong 雪梅|Xuemei 欣怡|Xinyi 思雨|Siyu',
  ),
  men: list(
    '伟|Wei 强|Qiang 磊|Lei 军|Jun 建国|Jianguo 志强|Zhiqiang 浩然|Haoran 文博|Wenbo 俊杰|Junjie',
  ),
  /** For companies, the name before the trade; people get a surname of one character. */
  surname: (random) => {
    const [native, latin] = half(random.pick(surnames))
    return { native, latin }
  },
  trades: list(
    '机械|Machinery 电子|Electronics 贸易|Trading 科技|Technology 物流|Logistics 食品|Foods 化工|Chemicals 建材|Building_Materials 纺织|Textiles 包装|Packaging 塑胶|Plastics 光电|Optoelectronics 医药|Pharmaceutical 五金|Hardware 家具|Furniture 软件|Software 印刷|Printing 能源|Energy',
  ),
  forms: legalForms('有限公司=Co., Ltd.,Company Limited*75;股份有限公司=Co., Ltd.,Inc.*25'),
  and: '',
  nicknames: {},
  salutations: ['Ms.', 'Mr.'],
  blanks: false,
  freemail: ['163.com', 'qq.com'],
  street: streets(
    ['@ Road', '@ Road', '@ Avenue', '@ Street'],
    list(
      'Zhongshan Renmin Jianshe Jiefang Heping Xinhua Changjiang Huanghe Chaoyang Yingbin Keji Gongye Nanjing Beijing Wenhua Xueyuan',
    ),
  ),
  registration: (random) => random.fill('NNN##########'),
  cities: cities(`
    Beijing|Beijing|1000##|10
    Shanghai|Shanghai|2000##|21
    Shenzhen|Guangdong|5180##|755
    Guangzhou|Guangdong|5100##|20
    Hangzhou|Zhejiang|3100##|571
    Suzhou|Jiangsu|2150##|512
    Chengdu|Sichuan|6100##|28
    Wuhan|Hubei|4300##|27`),
}

/** Names before the trade in a Chinese company name: two auspicious characters. */
export const omens = bright
