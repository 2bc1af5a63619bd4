/**
 * What opens on top of the booking view. It loads as soon as the view itself stands, so that it is there when it is wanted,
 * with or without a network, and the first load stays small.
 */
export { default as BookingDetails } from "./BookingDetails.svelte";
export { default as BookingForm } from "./BookingForm.svelte";
export { default as DamagedStores } from "./DamagedStores.svelte";
export { default as FilesDialog } from "./FilesDialog.svelte";
export { default as LinksPanel } from "./LinksPanel.svelte";
export { default as ReplicaPanel } from "./ReplicaPanel.svelte";
export { default as RoomsForm } from "./RoomsForm.svelte";
export { default as StorageNotice } from "./StorageNotice.svelte";
