const NAME = 'touchstone-theme'
export type Theme = 'light dark' | 'light' | 'dark'

export function themeNow(): Theme {
  const found = localStorage.getItem(NAME)
  return found === 'light' || found === 'dark' ? found : 'light dark'
}

/** Uses the colours that the person chose, else those of the system. */
export function applyTheme(): void {
  document.documentElement.style.colorScheme = themeNow()
}

export function chooseTheme(theme: Theme): void {
  if (theme === 'light dark') localStorage.removeItem(NAME)
  else localStorage.setItem(NAME, theme)
  applyTheme()
}
