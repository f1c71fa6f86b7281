/** Made by scripts/bundle.mjs of src/report/html-app; package.json says where it lies. */
declare module "#html-app" {
  /** The program of the HTML report, for a script element. */
  export const script: string;
}
