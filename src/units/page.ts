/** Bytes of the smallest page that TDX and KVM handle. */
export const PAGE_SIZE = 4096;
/** 4 KiB pages in a 2 MiB page, and entries in one Secure EPT page. */
export const PAGES_PER_2M = 512;
/** 4 KiB pages in a 1 GiB page. */
export const PAGES_PER_1G = PAGES_PER_2M * PAGES_PER_2M;

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const GIB = 1024 * MIB;
export const TIB = 1024 * GIB;
