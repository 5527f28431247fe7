import { serve } from "@placet/sdk/node";
import delegation from "./policy.js";

await serve(delegation);
