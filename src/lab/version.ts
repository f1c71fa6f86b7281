declare const __VERSION__: string;

/** Version of this package, put in when it is built. */
export const VERSION: string = __VERSION__;

/** The TDX module whose behaviour is emulated. */
export const MODULE_VERSION = "1.5.01";
