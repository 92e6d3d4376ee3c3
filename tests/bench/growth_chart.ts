// A chart of cost over the number of Services, both logarithmic: a cost that does not grow is a horizontal line, and
// one that grows with the cluster a diagonal line.

import * as echarts from "echarts";

const WIDTH = 900;
const HEIGHT = 480;
const INK = "#3b3f45";
/** The palette of Okabe and Ito, which readers with any colour vision can distinguish. */
const COLOURS = ["#0072b2", "#56b4e9", "#e69f00", "#d55e00", "#009e73"];

/** One line of the chart: pairs of Services and microseconds. */
export interface Growth {
  readonly name: string;
  readonly points: readonly (readonly [services: number, microseconds: number])[];
}

/** The chart as SVG. */
export function growthChart(title: string, lines: readonly Growth[]): string {
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height: HEIGHT });
  const ends = lines.map(({ points }) => points.at(-1)![0]);
  const axis = { type: "log", axisLine: { lineStyle: { color: INK } }, axisLabel: { color: INK } } as const;
  chart.setOption({
    animation: false,
    backgroundColor: "#ffffff",
    color: COLOURS,
    title: { text: title, left: 12, top: 8, textStyle: { color: INK, fontSize: 15, fontWeight: "normal" } },
    grid: { left: 70, right: 240, top: 50, bottom: 50 },
    xAxis: {
      ...axis,
      name: "Services",
      nameLocation: "middle",
      nameGap: 30,
      min: lines[0]!.points[0]![0],
      max: Math.max(...ends),
      axisLabel: { ...axis.axisLabel, formatter: (value: number) => value.toLocaleString("en") },
    },
    yAxis: { ...axis, axisLabel: { ...axis.axisLabel, formatter: duration } },
    series: lines.map(({ name, points }) => ({
      type: "line",
      name,
      data: points.map((point) => [...point]),
      symbolSize: 6,
      endLabel: {
        show: true,
        color: "inherit",
        formatter: ({ value }: { value: unknown }) => `${name}: ${duration((value as number[])[1]!)}`,
      },
      labelLayout: { moveOverlap: "shiftY" },
    })),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return `${svg}\n`;
}

function duration(microseconds: number): string {
  const text = (value: number, unit: string) =>
    `${value < 10 ? Number(value.toFixed(1)) : Math.round(value)} ${unit}`;
  if (microseconds < 1000) return text(microseconds, "us");
  if (microseconds < 1e6) return text(microseconds / 1000, "ms");
  return text(microseconds / 1e6, "s");
}
