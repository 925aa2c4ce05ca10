import type { Backend } from '@arc/storage'
import type { Host } from './host.ts'

/**
 * Open the place that a path or URL names, as this person reaches it: with the credentials, proxies and addresses of their
 * environment. Nothing is sent yet. Throws `ARC_BACKEND_URL_INVALID` and `ARC_BACKEND_DRIVER_MISSING`.
 */
export async function openPlace(url: string, host: Host): Promise<Backend> {
  // Loaded with the first place: most commands never have one.
  const [{ openBackend }, { capabilityMemory }] = await Promise.all([
    import('@arc/storage'),
    import('./capability-memory.ts'),
  ])
  return openBackend(url, { environment: host.env, capabilityCache: capabilityMemory(host) })
}
