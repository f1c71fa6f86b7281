/** What only the formats for people heed. */
export interface Appearance {
  /** Whether terminal colours are wanted; the bytes of data formats never depend on it. */
  readonly color: boolean;
  /** Columns of the terminal. */
  readonly width: number;
  /** Whether the terminal shows block characters; ASCII alone unless given. */
  readonly unicode?: boolean;
}
