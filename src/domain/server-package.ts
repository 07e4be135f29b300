/** The distribution's package that a server program belongs to. */
export interface ServerPackage {
  name: string;
  /** As the distribution writes it: `5:7.0.15-1~deb12u10`. */
  version: string;
  /** CVE ids that its changelog names as patched; empty where the changelog is not installed. */
  patched: readonly string[];
}
