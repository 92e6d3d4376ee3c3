// Bounds of questions that a ledger is asked, and of reports.

/** Most workers that replay one ledger: each holds a state of the cluster. */
export const REPLAY_WORKERS_MAX = 8;

/** Records that a report shows by default: hours of a busy cluster, folded in a browser in a second. */
export const REPORT_RECORDS = 20_000;

/** Most JSON of records in one report: a tenth of it when compressed. */
export const REPORT_BYTES_MAX = 64 * 1024 * 1024;

/** An endpoint that comes back later than this did not flap: its pod was moved, or its address is used again. */
export const FLAP_MILLISECONDS_MAX = 3_600_000;

/** Endpoints that are away, of which no more are remembered before those that are away for too long are forgotten. */
export const ENDPOINTS_AWAY = 20_000;

/** How often a question is asked again when retention removes what it reads. It removes a few segments a day. */
export const READ_AGAIN_MAX = 5;
