import { serve } from "@placet/sdk/node";
import stepUp from "./policy.js";

await serve(stepUp);
