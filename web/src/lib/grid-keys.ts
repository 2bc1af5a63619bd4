/** How keys move about a grid: the pattern of the ARIA authoring practices. */

export interface Cell {
  row: number;
  column: number;
}

/** The cell that a key leads to; `undefined` for a key that moves nothing. */
export function cellReached(
  key: string,
  control: boolean,
  { row, column }: Cell,
  { rows, columns }: { rows: number; columns: number },
): Cell | undefined {
  const lastRow = rows - 1;
  const lastColumn = columns - 1;
  switch (key) {
    case "ArrowLeft":
      return { row, column: Math.max(column - 1, 0) };
    case "ArrowRight":
      return { row, column: Math.min(column + 1, lastColumn) };
    case "ArrowUp":
      return { row: Math.max(row - 1, 0), column };
    case "ArrowDown":
      return { row: Math.min(row + 1, lastRow), column };
    case "Home":
      return { row: control ? 0 : row, column: 0 };
    case "End":
      return { row: control ? lastRow : row, column: lastColumn };
    default:
      return undefined;
  }
}
