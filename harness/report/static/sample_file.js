// Hands the sample in this file to the report that frames it.
parent.postMessage(document.getElementById("sample").textContent, "*");
