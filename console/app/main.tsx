import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import '../parts/tokens.css'
import { startSession } from '../session/session.ts'
import { Gate } from './gate.tsx'
import { applyTheme } from './theme.ts'

applyTheme()
void startSession()
const root = document.getElementById('root')
if (!root) throw new Error('the page has no element "root"')
createRoot(root).render(
  <StrictMode>
    <Gate />
  </StrictMode>,
)
