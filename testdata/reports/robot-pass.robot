<?xml version="1.0" encoding="UTF-8"?>
<robot generator="Robot 7.5 (Python 3.11.7 on linux)" generated="2026-11-21T19:48:19.579684" rpa="false" schemaversion="5">
<suite id="s1" name="Cart" source="/ci/shop/orders/cart.robot">
<test id="s1-t1" name="Cart Accepts An Order" line="5">
<kw name="Should Be Equal As Integers" owner="BuiltIn">
<msg time="2026-11-21T19:48:19.633667" level="INFO">Argument types are:
&lt;class 'int'&gt;
&lt;class 'str'&gt;</msg>
<arg>${1 + 1}</arg>
<arg>2</arg>
<doc>Fails if objects are unequal after converting them to integers.</doc>
<status status="PASS" start="2026-11-21T19:48:19.632991" elapsed="0.000815"/>
</kw>
<tag>positive</tag>
<status status="PASS" start="2026-11-21T19:48:19.631692" elapsed="0.002323"/>
</test>
<test id="s1-t2" name="Cart Refuses An Empty Order" line="9">
<kw name="Run Keyword And Expect Error" owner="BuiltIn">
<kw name="Fail" owner="BuiltIn">
<msg time="2026-11-21T19:48:19.636021" level="FAIL">empty</msg>
<arg>empty</arg>
<doc>Fails the test or task with the given message and optionally alters its tags.</doc>
<status status="FAIL" start="2026-11-21T19:48:19.635407" elapsed="0.000838">empty</status>
</kw>
<arg>*</arg>
<arg>Fail</arg>
<arg>empty</arg>
<doc>Runs the keyword and checks that the expected error occurred.</doc>
<status status="PASS" start="2026-11-21T19:48:19.634786" elapsed="0.001709"/>
</kw>
<tag>negative</tag>
<status status="PASS" start="2026-11-21T19:48:19.634299" elapsed="0.002339"/>
</test>
<test id="s1-t3" name="Cart Is Not Ready" line="13">
<kw name="Skip" owner="BuiltIn">
<msg time="2026-11-21T19:48:19.637628" level="SKIP">not ready</msg>
<arg>not ready</arg>
<doc>Stops the current test or task and sets its status to SKIP.</doc>
<status status="SKIP" start="2026-11-21T19:48:19.637223" elapsed="0.000515">not ready</status>
</kw>
<status status="SKIP" start="2026-11-21T19:48:19.636857" elapsed="0.001104">not ready</status>
</test>
<doc>The cart of a shop.</doc>
<status status="PASS" start="2026-11-21T19:48:19.580968" elapsed="0.057440"/>
</suite>
<statistics>
<total>
<stat pass="2" fail="0" skip="1">All Tests</stat>
</total>
<tag>
<stat pass="1" fail="0" skip="0">negative</stat>
<stat pass="1" fail="0" skip="0">positive</stat>
</tag>
<suite>
<stat name="Cart" id="s1" pass="2" fail="0" skip="1">Cart</stat>
</suite>
</statistics>
<errors>
</errors>
</robot>
